/** The client's headers that may reach the object, by allow-list; everything else ends here. Pure. */
import { RELAY_HEADER, type RelayCall } from "../durable-objects/rpc.ts";
import { connectionNominated } from "#protocol/headers.ts";
import { COOKIE_PREFIX } from "#protocol/version.ts";

const ALLOWED = new Set([
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
  "service-worker",
  "user-agent",
]);
/** Needed by the platform to make the upgrade; the agent makes its own towards OpenClaw. */
const UPGRADE = new Set([
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "sec-websocket-extensions",
]);

export function relayHeaders(client: Headers, call: RelayCall, upgrade: boolean): Headers {
  const headers = new Headers();
  // Names that the client nominates as hop-by-hop end here; the `Connection` that says so goes no further either.
  const nominated = connectionNominated([...client]);
  for (const [name, value] of client) {
    if (upgrade && UPGRADE.has(name)) headers.set(name, value);
    else if (ALLOWED.has(name) && !nominated.has(name)) headers.set(name, value);
  }
  const cookies = nominated.has("cookie") ? "" : foreignCookies(client.get("cookie"));
  if (cookies !== "") headers.set("cookie", cookies);
  headers.set(RELAY_HEADER, JSON.stringify(call));
  return headers;
}

/** Ours, or one that only the browser may set; also behind a comma, where the platform joins two `Cookie` lines. */
const KEPT_HERE = new RegExp(`(^|,)\\s*(__host-|__secure-|${COOKIE_PREFIX})`, "i");

/** @returns the cookies that are the origin's own */
export function foreignCookies(header: string | null): string {
  if (header === null) return "";
  const kept = header.split(";").filter((pair) => {
    const text = pair.trim();
    return text !== "" && !text.startsWith("=") && !KEPT_HERE.test(text);
  });
  return kept.map((pair) => pair.trim()).join("; ");
}
