/** Close codes: the tunnel's own, and which ones of a relayed WebSocket may travel on (RFC 6455 section 7.4). */
import { MAX_CLOSE_REASON_BYTES } from "./limits.ts";

/** How a connection of the tunnel ends (SPEC.md section 7). */
export const CONNECTION_CLOSE = {
  protocol: 4400,
  refused: 4401,
  silent: 4408,
  superseded: 4409,
  blocked: 4410,
} as const;

export interface Close {
  code: number;
  reason: string;
}

/** @returns a code and reason that `WebSocket.close` accepts; 1005 becomes 1000, other unsendable codes 1001 */
export function relayableClose(code: number, reason: string): Close {
  if (!isSendable(code)) return { code: code === 1005 ? 1000 : 1001, reason: "" };
  return { code, reason: truncateUtf8(reason, MAX_CLOSE_REASON_BYTES) };
}

function isSendable(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

/** @returns `text` cut to at most `limitBytes` of UTF-8, on a character boundary */
export function truncateUtf8(text: string, limitBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= limitBytes) return text;
  let end = limitBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
