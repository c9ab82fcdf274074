/** What may change between a client and an origin, as data: written from docs, not from the tables of the product. */
import type { Header } from "./http-exchange.ts";

/** Request headers of the client that reach the origin. */
export const RELAYED_REQUEST_HEADERS = [
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "origin",
  "pragma",
  "range",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "user-agent",
];

/** What a client may try, and no origin may see; `x-forwarded-*` and scopes come from the gateway alone. */
export const DROPPED_REQUEST_HEADERS = [
  "authorization",
  "proxy-authorization",
  "proxy-connection",
  "cf-connecting-ip",
  "cf-access-jwt-assertion",
  "x-forwarded-user",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-openclaw-scopes",
  "x_openclaw_scopes",
  "x-tidegate-relay",
  "x-tidegate-agent",
  "x-http-method-override",
  "forwarded",
  "via",
  "te",
  "keep-alive",
  "x-anything",
];

/** The agent's own framing: never the client's. */
export const FRAMING_HEADERS = ["connection", "content-length", "transfer-encoding"];

/** Response headers that end at the gateway; `access-control-*` and `x-tidegate-*` besides, and cookies of ours. */
export const DROPPED_RESPONSE_HEADERS = [
  "alt-svc",
  "clear-site-data",
  "nel",
  "refresh",
  "report-to",
  "service-worker-allowed",
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "x-tidegate-error",
  "x-tidegate-anything",
  "proxy-authenticate",
  "proxy-connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
];

/** Response headers that arrive as the origin wrote them; `x-nominated` unless the origin's `Connection` names it. */
export const RELAYED_RESPONSE_HEADERS = [
  "age",
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-language",
  "content-security-policy",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "link",
  "location",
  "referrer-policy",
  "retry-after",
  "server",
  "vary",
  "www-authenticate",
  "x-anything",
  "x-nominated",
  "x-openclaw-build",
];

/** `Set-Cookie` values that arrive, and such as do not. */
export const RELAYED_COOKIES = ["a=1", "b=2; Path=/; HttpOnly", 'c="x, y"; Max-Age=5', "d=; SameSite=Lax"];
export const DROPPED_COOKIES = [
  "__Host-a=1; Secure; Path=/",
  "__secure-b=1",
  "tidegate-session=1",
  "TideGate-default=1",
  "e=1; Domain=example.com",
  "tidegate-nameless",
  "=tidegate-default=1",
];

/** Added to every relayed response, in place of the origin's own. */
export const ADDED_RESPONSE_HEADERS: Header[] = [
  ["strict-transport-security", "max-age=31536000"],
  ["x-content-type-options", "nosniff"],
];

/** Bytes of a value that is not UTF-8 reach the client as UTF-8 of the characters they are in latin1: the platform writes text. */
export function valueAtClient(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  const decoded = bytes.toString("utf8");
  return Buffer.from(decoded, "utf8").equals(bytes) ? value : Buffer.from(value, "utf8").toString("latin1");
}
