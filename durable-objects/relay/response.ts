/** Turns the agent's head into a `Response`. Everything in it is untrusted; what the platform refuses becomes a 502. */
import { decodeUtf8 } from "#protocol/bytes.ts";
import type { ResponseHead } from "#protocol/frame.ts";
import { filterResponseHeaders } from "#protocol/headers.ts";

/** Statuses whose response has no body (Fetch standard, "null body status"). */
const NULL_BODY = new Set([101, 103, 204, 205, 304]);

export function hasBody(method: string, status: number): boolean {
  return method !== "HEAD" && !NULL_BODY.has(status);
}

/** The origin's `Content-Length`, for a stream: without it the platform sends chunks, and no browser knows how far it is. */
export function announcedLength(head: ResponseHead): { expectedLength?: number } {
  const lengths = head.headers.filter(([name]) => name.toLowerCase() === "content-length");
  const value = lengths[0]?.[1] ?? "";
  return lengths.length === 1 && /^\d{1,15}$/.test(value) ? { expectedLength: Number(value) } : {};
}

/** `encodeBody: "manual"`: the origin's Content-Encoding is already applied, the runtime must not apply it again. */
export function relayedResponse(head: ResponseHead, body: ReadableStream | Uint8Array | null): Response {
  const headers = new Headers();
  for (const [name, value] of filterResponseHeaders(head.headers)) headers.append(name, platformText(value));
  headers.set("strict-transport-security", "max-age=31536000");
  headers.set("x-content-type-options", "nosniff");
  return new Response(body, { status: head.status, headers, encodeBody: "manual" });
}

/** On the wire a value is bytes, one a character; the platform takes text and writes it as UTF-8. */
function platformText(value: string): string {
  if (!/[^\0-\x7f]/.test(value)) return value;
  try {
    return decodeUtf8(Uint8Array.from(value, (char) => char.charCodeAt(0)));
  } catch {
    // Another encoding: its characters, at least, stay what they were.
    return value;
  }
}
