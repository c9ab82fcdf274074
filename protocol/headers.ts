/** Which response headers of the origin may reach a browser (SPEC.md section 4). The agent filters, the object repeats it. */
import type { HeaderPair } from "./frame.ts";
import { COOKIE_PREFIX, HEADER_PREFIX } from "./version.ts";

/** RFC 9110 section 7.6.1, with the obsolete names that are still seen. They end at each hop, both ways. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers by which the origin could change rules of the public host beyond its own response (design section 4). */
const NEVER_RELAYED: ReadonlySet<string> = new Set([
  "accept-ch",
  "alt-svc",
  "clear-site-data",
  "critical-ch",
  "nel",
  "refresh",
  "report-to",
  "reporting-endpoints",
  // Sessions that the browser itself renews: it would hold back requests to our own pages meanwhile.
  "sec-session-challenge",
  "sec-session-registration",
  "secure-session-challenge",
  "secure-session-registration",
  "service-worker-allowed",
  "set-login",
  "sourcemap",
  "use-as-dictionary",
  "x-sourcemap",
]);

/** Schemes for which browsers ask in a window of their own, under the host's name, or answer by themselves in an intranet. */
const ANSWERED_BY_BROWSERS = /(?:^|[\s,])(?:basic|digest|negotiate|ntlm)(?:[\s,]|$)/i;

const COOKIE_NAME_PREFIXES = ["__host-", "__secure-", COOKIE_PREFIX];

/** @returns the lower-case names that a message's own `Connection` headers nominate as hop-by-hop */
export function connectionNominated(pairs: readonly HeaderPair[]): Set<string> {
  const nominated = new Set<string>();
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== "connection") continue;
    for (const option of value.split(",")) nominated.add(option.trim().toLowerCase());
  }
  return nominated;
}

/** @returns the pairs that may travel on, in order and unchanged */
export function filterResponseHeaders(pairs: readonly HeaderPair[]): HeaderPair[] {
  const nominated = connectionNominated(pairs);
  return pairs.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || nominated.has(lower) || NEVER_RELAYED.has(lower)) return false;
    if (lower.startsWith(HEADER_PREFIX) || lower.startsWith("access-control-")) return false;
    if (lower === "www-authenticate") return !ANSWERED_BY_BROWSERS.test(value.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'));
    return lower !== "set-cookie" || isRelayableCookie(value);
  });
}

/**
 * Prefixes compare without case (RFC 6265bis section 4.1.3). A cookie without a name is dropped: browsers send it
 * back as its bare value, which may read `name=value` of a cookie of ours.
 */
function isRelayableCookie(value: string): boolean {
  const [pair = "", ...attributes] = value.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, Math.max(equals, 0)).trim().toLowerCase();
  if (name === "" || COOKIE_NAME_PREFIXES.some((prefix) => name.startsWith(prefix))) return false;
  return attributes.every((attribute) => attribute.split("=", 1)[0]?.trim().toLowerCase() !== "domain");
}
