/** Refusals of the object as Problem Details (RFC 9457); the Worker turns them into pages for navigations. */
import { ERROR_HEADER } from "#protocol/version.ts";
import type { ResetCode } from "#protocol/errors.ts";
import type { Exceeded } from "./limits/limits.ts";
import { rateLimitFields } from "./limits/rate-limit-fields.ts";

export type ObjectProblem =
  | "session_expired"
  | "session_revoked"
  | "session_unknown"
  | "renewal_due"
  | "forbidden_by_role"
  | "rate_limited"
  | "too_many_sockets"
  | "workspace_away"
  | "workspace_lost"
  | "origin_timeout"
  | "origin_failed"
  | "identity_unwritten"
  | "too_many_streams"
  | "too_large"
  | "agent_refused"
  | "bad_call";

const PROBLEMS: Record<ObjectProblem, { status: number; title: string }> = {
  session_expired: { status: 401, title: "Sign in to continue" },
  session_revoked: { status: 401, title: "This session was ended" },
  session_unknown: { status: 401, title: "Sign in to continue" },
  // The Worker's to answer, never a person's.
  renewal_due: { status: 503, title: "The sign-in service has to be asked first" },
  forbidden_by_role: { status: 403, title: "Your role does not allow this" },
  rate_limited: { status: 429, title: "Too many requests" },
  too_many_sockets: { status: 429, title: "Too many open connections" },
  workspace_away: { status: 503, title: "The assistant's computer is not connected" },
  workspace_lost: { status: 502, title: "The connection to the assistant's computer was lost" },
  origin_timeout: { status: 504, title: "The assistant did not answer in time" },
  origin_failed: { status: 502, title: "The assistant gave no valid answer" },
  identity_unwritten: { status: 503, title: "Your identity could not be written to the workspace" },
  too_many_streams: { status: 503, title: "Too many open requests" },
  too_large: { status: 413, title: "Too large" },
  agent_refused: { status: 401, title: "This agent's key is not enrolled here, or was revoked" },
  bad_call: { status: 400, title: "The request could not be understood" },
};

export function rateLimited(exceeded: Exceeded): Response {
  const response = problem("rate_limited");
  for (const [name, value] of Object.entries(rateLimitFields(exceeded))) response.headers.set(name, value);
  return response;
}

export function problem(code: ObjectProblem, retryAfterMs = 0): Response {
  const { status, title } = PROBLEMS[code];
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    [ERROR_HEADER]: code,
  });
  if (retryAfterMs > 0) headers.set("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  return new Response(JSON.stringify({ type: `urn:tidegate:problem:${code}`, title, status }), { status, headers });
}

/** What a person is told when the agent resets their stream before its head. */
export const RESET_PROBLEMS: Record<ResetCode, ObjectProblem> = {
  cancelled: "origin_failed",
  origin_unreachable: "workspace_away",
  origin_failed: "origin_failed",
  origin_timeout: "origin_timeout",
  bad_head: "origin_failed",
  refused_target: "bad_call",
  identity_unwritten: "identity_unwritten",
  session_ended: "session_expired",
  too_large: "too_large",
  link_lost: "workspace_lost",
  shutting_down: "workspace_away",
  bad_step: "origin_failed",
};
