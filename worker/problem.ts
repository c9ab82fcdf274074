/** Refusals of the gateway: one code, one status, one text, for people and programs alike (RFC 9457). */
import { ERROR_HEADER } from "#protocol/version.ts";

export type ProblemCode =
  | "config_invalid"
  | "unknown_tenant"
  | "stub_needs_loopback"
  | "bad_target"
  | "not_found"
  | "credentials_in_query"
  | "admins_only"
  | "bad_input"
  | "too_large"
  | "target_too_long"
  | "headers_too_large"
  | "foreign_origin"
  | "service_worker_refused"
  | "route_closed"
  | "method_not_allowed"
  | "unauthenticated"
  | "session_expired"
  | "session_revoked"
  | "agent_refused"
  | "clock_off"
  | "no_console"
  | "not_fresh"
  | "enrolment_pending"
  | "enrolment_denied"
  | "enrolment_expired"
  | "token_used"
  | "too_many_tokens"
  | "key_enrolled"
  | "key_revoked"
  | "too_many_agents"
  | "agent_unknown"
  | "person_unknown"
  | "not_yourself"
  | "not_allowed"
  | "identity_conflict"
  | "other_person"
  | "rate_limited"
  | "too_many_sockets"
  | "attempt_expired"
  | "sign_in_invalid"
  | "sign_in_cancelled"
  | "unknown_provider"
  | "logout_unnamed"
  | "provider_down"
  | "workspace_away"
  | "workspace_unavailable"
  | "internal_error";

export const PROBLEMS: Record<ProblemCode, { status: number; title: string; detail: string }> = {
  config_invalid: {
    status: 500,
    title: "Not configured",
    detail: "The gateway's configuration is not valid. Its log names the variables.",
  },
  unknown_tenant: { status: 404, title: "Nothing here", detail: "This host name belongs to no workspace." },
  stub_needs_loopback: {
    status: 403,
    title: "Development sign-in works on localhost only",
    detail: "Forward the port instead: ssh -L 8080:localhost:8080 this-host, then open http://localhost:8080",
  },
  bad_target: { status: 400, title: "Bad address", detail: "This spelling of an address is not accepted." },
  not_found: { status: 404, title: "Not found", detail: "The gateway has no such page." },
  credentials_in_query: {
    status: 400,
    title: "Credentials do not belong in an address",
    detail: "Addresses end up in histories and logs. Send the credential in a header.",
  },
  admins_only: { status: 403, title: "For administrators", detail: "Your role does not allow this." },
  bad_input: { status: 400, title: "Bad input", detail: "A part of the request is not as it should be." },
  too_large: { status: 413, title: "Too large", detail: "The request is larger than this workspace allows." },
  target_too_long: { status: 414, title: "Address too long", detail: "An address may have 8,192 characters." },
  headers_too_large: {
    status: 431,
    title: "Headers too large",
    detail: "The request's headers are more than 24 KiB, or more than 150. Deleting cookies of this site may help.",
  },
  foreign_origin: { status: 403, title: "Refused", detail: "The request came from another site." },
  service_worker_refused: {
    status: 403,
    title: "Refused",
    detail: "Only the assistant's own service worker can be installed here.",
  },
  route_closed: { status: 403, title: "Refused", detail: "This address does not take this method." },
  method_not_allowed: { status: 405, title: "Method not allowed", detail: "The page does not take this method." },
  unauthenticated: { status: 401, title: "Sign in to continue", detail: "There is no valid session." },
  session_expired: { status: 401, title: "Sign in to continue", detail: "The session is over." },
  session_revoked: { status: 401, title: "You were signed out", detail: "This session was ended by an administrator." },
  agent_refused: {
    status: 401,
    title: "Unknown agent",
    detail: "The agent's key is not enrolled here, or was revoked.",
  },
  clock_off: {
    status: 401,
    title: "The clocks differ",
    detail: "The computer's clock is more than a minute off. Set it, then try again.",
  },
  no_console: {
    status: 409,
    title: "Nowhere to approve it",
    detail: "This tenant has no console. Set consoleHost (CONSOLE_ORIGIN for a single tenant), and deploy again.",
  },
  not_fresh: {
    status: 403,
    title: "Please sign in again",
    detail: "Letting an agent in needs a sign-in of the last fifteen minutes.",
  },
  enrolment_pending: { status: 400, title: "Not approved yet", detail: "An administrator has to approve it." },
  enrolment_denied: { status: 403, title: "Denied", detail: "An administrator said no to this agent." },
  enrolment_expired: {
    status: 400,
    title: "This request is over",
    detail: "It is not one of ours, or it was made more than ten minutes ago. Run tidegate-agent enroll again.",
  },
  token_used: {
    status: 403,
    title: "This token is over",
    detail: "It was used already, or made more than fifteen minutes ago. Make a new one.",
  },
  too_many_tokens: { status: 429, title: "Too many tokens", detail: "A hundred wait to be used. Use them, or wait." },
  key_enrolled: {
    status: 409,
    title: "Enrolled already",
    detail: "This key is an agent's here. A copy of it must not become another agent.",
  },
  key_revoked: {
    status: 403,
    title: "This key was revoked",
    detail: "Delete agent.key and agent.json on that computer, then enroll again with a new key.",
  },
  too_many_agents: { status: 409, title: "Too many agents", detail: "There are a hundred. Revoke one first." },
  agent_unknown: { status: 404, title: "No such agent", detail: "It was revoked, or the tenant document has it." },
  person_unknown: {
    status: 404,
    title: "No such person",
    detail: "Nobody here has this key. They may have been forgotten already.",
  },
  not_yourself: {
    status: 409,
    title: "Not yourself",
    detail: "An administrator cannot forget themselves. Another one can.",
  },
  not_allowed: {
    status: 403,
    title: "Not allowed",
    detail: "You are known, but this address may not use this assistant.",
  },
  identity_conflict: {
    status: 403,
    title: "This e-mail is taken",
    detail: "Another person already uses this e-mail address here. An administrator has to resolve it.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    detail: "Wait a few seconds. Whoever is signed in stays signed in.",
  },
  too_many_sockets: {
    status: 429,
    title: "Too many open connections",
    detail: "Close a tab of this assistant, then try again.",
  },
  other_person: {
    status: 403,
    title: "That is somebody else",
    detail: "This page belongs to another person's session, so it was not renewed.",
  },
  attempt_expired: {
    status: 400,
    title: "This sign-in is over",
    detail: "It began more than ten minutes ago, or in another browser, or it was finished already. Start again.",
  },
  sign_in_invalid: {
    status: 400,
    title: "Sign-in failed",
    detail: "The sign-in service's answer could not be verified, so nobody was signed in.",
  },
  sign_in_cancelled: {
    status: 403,
    title: "Sign-in was not completed",
    detail: "The sign-in service says that it was cancelled or not allowed.",
  },
  unknown_provider: {
    status: 404,
    title: "Unknown sign-in service",
    detail: "This workspace does not use that sign-in service.",
  },
  logout_unnamed: {
    status: 400,
    title: "Nobody named",
    detail: "The sign-in service has to name itself and the session that is over (iss and sid).",
  },
  provider_down: {
    status: 502,
    title: "The sign-in service does not answer",
    detail: "It is slow, away, or not set up as expected. Open chats are not affected. Try again in a moment.",
  },
  workspace_away: {
    status: 503,
    title: "The assistant's computer is not connected",
    detail: "This page tries again by itself.",
  },
  workspace_unavailable: {
    status: 503,
    title: "Please try again",
    detail: "The workspace restarted in the middle of this request.",
  },
  internal_error: {
    status: 500,
    title: "Something went wrong",
    detail: "The error was logged under this request's id.",
  },
};

/** Thrown by middleware and routes; `onError` renders it. */
export class GatewayError extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, options?: ErrorOptions) {
    super(code, options);
    this.name = "GatewayError";
    this.code = code;
  }
}

export function problemResponse(code: ProblemCode, requestId: string): Response {
  const { status, title, detail } = PROBLEMS[code];
  const body = { type: `urn:tidegate:problem:${code}`, title, status, detail, instance: `urn:request:${requestId}` };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", [ERROR_HEADER]: code },
  });
}
