/** A refusal as a page: same code, same text as the problem document. */
import { html } from "hono/html";
import { ERROR_HEADER } from "#protocol/version.ts";
import { PROBLEMS, type ProblemCode } from "../problem.ts";
import { page } from "./page.ts";

export interface ProblemPageOptions {
  tenant: string;
  requestId: string;
  contact: string | null;
  /** The first start is the usual reason in development. */
  development: boolean;
}

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
    ${options.contact === null ? "" : html`<p>If this does not help, ask ${options.contact}.</p>`}
    <p class="soft">Code ${code} · request ${options.requestId}</p>`;
  const response = await page(status, { title, tenant: options.tenant, ...(away ? { refreshSeconds: 2 } : {}) }, body);
  response.headers.set(ERROR_HEADER, code);
  if (status === 503) response.headers.set("retry-after", "2");
  return response;
}
