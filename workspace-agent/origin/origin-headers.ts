/**
 * The request headers that OpenClaw gets, built from a typed head (design section 4, facts/security D4). Pure.
 * The client's headers pass an allow-list, so no spelling of a name of ours can arrive twice: OpenClaw joins
 * duplicates, and takes `X-Forwarded-User: a, b` for a new person.
 */
import type { HeaderPair, OpenHead } from "#protocol/frame.ts";
import { connectionNominated, HOP_BY_HOP } from "#protocol/headers.ts";
import { isUserString, ROLE_SCOPES } from "#protocol/identity.ts";
import { classifyTarget, isCanonicalTarget } from "#protocol/request-target.ts";
import { COOKIE_PREFIX } from "#protocol/version.ts";

/** Client headers that may reach OpenClaw. Framing (`Content-Length`, `Expect`, …) is not among them: it is the agent's. */
const CLIENT_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "cookie",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "origin",
  "pragma",
  "prefer",
  "priority",
  "range",
  "referer",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "user-agent",
  "x-requested-with",
]);

/** Cookies of this product, and of Cloudflare in front of it (`CF_Authorization` is a credential). */
const FOREIGN_COOKIE = new RegExp(`^(?:__host-|__secure-)?(?:${COOKIE_PREFIX}|cf_)`, "i");

/** Scopes that the header would grant on HTTP instead of capping; the object never sends them there (D4). */
const NEVER_ON_HTTP: ReadonlySet<string> = new Set(["operator.admin", "operator.pairing"]);

/** @returns whether a client's header of this lower-case name may be relayed */
export function isClientHeader(name: string): boolean {
  return CLIENT_HEADERS.has(name);
}

/** Why a head is not relayed; the gateway checked it too, so either end is wrong. */
export type HeadRefusal = "refused_target" | "bad_head";

/** @returns null when the head may be relayed; every check of the gateway that decides about power, done again */
export function refuseHead(head: OpenHead): HeadRefusal | null {
  if (!isCanonicalTarget(head.target)) return "refused_target";
  if (head.kind === "ws" && head.method !== "GET") return "bad_head";
  if (classifyTarget(head.method, head.target, head.kind === "ws") !== head.routeClass) return "refused_target";
  if (!isUserString(head.user) || head.clientAddress === "" || head.host === "" || head.scopes.length === 0) {
    return "bad_head";
  }
  // The role decides about methods, the scopes about everything else: they must be of one mind.
  if (head.scopes.some((scope) => !ROLE_SCOPES[head.role].includes(scope))) return "bad_head";
  if (head.kind === "http" && head.scopes.some((scope) => NEVER_ON_HTTP.has(scope))) return "bad_head";
  return null;
}

/**
 * `Host` is the public one: only a page whose `Origin` has the host of `Host` is told by OpenClaw to reload after an
 * update (measured on 2026.9.6); with the loopback address a stale page would go on.
 * @param userHeader lower-case name under which OpenClaw expects the user
 * @returns everything but framing, `Sec-WebSocket-*` and `Connection`: the client's pairs that pass, then ours, each once
 */
export function originHeaders(head: OpenHead, userHeader: string): HeaderPair[] {
  return [
    ["Host", head.host],
    ...clientHeaders(head.headers, userHeader),
    [userHeader, head.user],
    ["X-Forwarded-For", head.clientAddress],
    ["X-Forwarded-Proto", head.scheme],
    ["X-Forwarded-Host", head.host],
    ["x-openclaw-scopes", head.scopes.join(",")],
  ];
}

function clientHeaders(pairs: readonly HeaderPair[], userHeader: string): HeaderPair[] {
  const nominated = connectionNominated(pairs);
  const passed: HeaderPair[] = [];
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || nominated.has(lower)) continue;
    if (!CLIENT_HEADERS.has(lower) || lower === userHeader) continue;
    if (lower !== "cookie") {
      passed.push([name, value]);
      continue;
    }
    const kept = originCookies(value);
    if (kept !== "") passed.push([name, kept]);
  }
  return passed;
}

/** @returns the cookies that are OpenClaw's: neither this product's nor those of an access proxy before it */
function originCookies(value: string): string {
  return value
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== "" && !FOREIGN_COOKIE.test(cookie))
    .join("; ");
}
