/** A refusal as a page: same code, same text as the problem document, and what to do next. */
import { html } from "hono/html";
import { ERROR_HEADER, GATE_PREFIX } from "#protocol/version.ts";
import { page } from "./page.ts";

/** A refusal of the gateway's, or one that the tenant's object made. */
export interface Problem {
  code: string;
  status: number;
  title: string;
  /** None: {@link ADVICE} has one, or the title says it all. */
  detail?: string;
  retryAfterSeconds?: number;
}

export interface ProblemPageOptions {
  tenant: string;
  requestId: string;
  contact: string | null;
  /** Where the person wanted to go; a sign-in from here leads there. */
  next?: string;
}

/** The next step, where there is one and it is not simply to wait. */
const SIGN_IN: Record<string, string> = {
  attempt_expired: "Sign in again",
  sign_in_invalid: "Try again",
  sign_in_cancelled: "Sign in again",
  unknown_provider: "Sign in",
  provider_down: "Try again",
  unauthenticated: "Sign in",
  session_expired: "Sign in",
  session_revoked: "Sign in again",
  identity_conflict: "Use another account",
};

/** What the object's short titles leave open. */
const ADVICE: Record<string, string> = {
  rate_limited: "You, or a page of yours, asked too often in a short time. Nothing is lost.",
  too_many_streams: "Too much is open at once. Close some tabs of the assistant, or wait a moment.",
  forbidden_by_role: "You are signed in, but your role does not include this.",
  workspace_lost: "It usually comes back within seconds.",
  origin_timeout: "The assistant's computer is connected, but the assistant takes too long.",
  origin_failed: "The assistant's computer is connected, but the assistant itself is starting or has stopped.",
  identity_unwritten: "The assistant must know who you are before you talk to it, and could not be told.",
};

/** For how long a page waits by itself, however long it is asked to. */
const MAX_REFRESH_SECONDS = 300;

export async function problemPage(problem: Problem, options: ProblemPageOptions): Promise<Response> {
  const { code, status, title, detail = ADVICE[code], retryAfterSeconds } = problem;
  const { next = "/", contact } = options;
  const query = new URLSearchParams(code === "identity_conflict" ? { prompt: "select_account", next } : { next });
  const step = SIGN_IN[code];
  const waits = retryAfterSeconds !== undefined;
  const body = html`${detail === undefined ? "" : html`<p>${detail}</p>`}
  ${waits ? html`<p role="status">This page tries again by itself in ${seconds(retryAfterSeconds)}.</p>` : ""}
  ${
    step === undefined
      ? ""
      : html`<p class="actions"><a class="button primary" href="${GATE_PREFIX}/login?${query}">${step}</a></p>`
  }
  ${contact === null ? "" : html`<p class="soft">If this does not help, ask ${contact}.</p>`}`;
  const refresh = waits ? { refreshSeconds: Math.min(retryAfterSeconds, MAX_REFRESH_SECONDS) } : {};
  const reference = `Code ${code} · request ${options.requestId}`;
  const response = await page(status, { title, tenant: options.tenant, trouble: true, reference, ...refresh }, body);
  response.headers.set(ERROR_HEADER, code);
  if (waits) response.headers.set("retry-after", String(retryAfterSeconds));
  return response;
}

function seconds(count: number): string {
  if (count < 120) return count === 1 ? "a second" : `${count} seconds`;
  return `${Math.ceil(count / 60)} minutes`;
}
