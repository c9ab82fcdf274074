/** A refusal as a page: same code, same text as the problem document. */
import { html } from "hono/html";
import { ERROR_HEADER, GATE_PREFIX } from "#protocol/version.ts";
import { PROBLEMS, type ProblemCode } from "../problem.ts";
import { page } from "./page.ts";

export interface ProblemPageOptions {
  tenant: string;
  requestId: string;
  contact: string | null;
  /** The first start is the usual reason in development. */
  development: boolean;
}

/** The next step, where there is one and it is not simply to wait. */
const NEXT_STEPS: Partial<Record<ProblemCode, string>> = {
  attempt_expired: "Sign in again",
  sign_in_invalid: "Try again",
  sign_in_cancelled: "Sign in again",
  unknown_provider: "Sign in",
  provider_down: "Try again",
  unauthenticated: "Sign in",
  session_expired: "Sign in",
};

export async function problemPage(code: ProblemCode, options: ProblemPageOptions): Promise<Response> {
  const { status, detail } = PROBLEMS[code];
  const away = code === "workspace_away";
  const title = away && options.development ? "Starting OpenClaw…" : PROBLEMS[code].title;
  const body = html`<p>${detail}</p>
    ${
      away && options.development
        ? html`<p class="soft">The assistant is not connected yet. The first start takes up to a minute.</p>`
        : ""
    }
    ${
      NEXT_STEPS[code] === undefined
        ? ""
        : html`<p><a class="button primary" href="${GATE_PREFIX}/login">${NEXT_STEPS[code]}</a></p>`
    }
    ${options.contact === null ? "" : html`<p>If this does not help, ask ${options.contact}.</p>`}
    <p class="soft">Code ${code} · request ${options.requestId}</p>`;
  const response = await page(status, { title, tenant: options.tenant, ...(away ? { refreshSeconds: 2 } : {}) }, body);
  response.headers.set(ERROR_HEADER, code);
  if (status === 503) response.headers.set("retry-after", "2");
  return response;
}
