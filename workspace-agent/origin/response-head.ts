/** The origin's response head as it may travel: filtered, and within the bounds of the wire. Pure. */
import { encodeJson } from "#protocol/bytes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { HeaderPair, ResponseHead } from "#protocol/frame.ts";
import { filterResponseHeaders } from "#protocol/headers.ts";
import { parseResponseHead } from "#protocol/heads.ts";
import { MAX_HEAD_BYTES } from "#protocol/limits.ts";

/**
 * @param rawHeaders names and values in turn, as `node:http` gives them
 * @returns null when the gateway would have to refuse it: status, grammar or size
 */
export function responseHead(status: number, rawHeaders: readonly string[]): ResponseHead | null {
  const pairs: HeaderPair[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  try {
    const head = parseResponseHead({ status, headers: filterResponseHeaders(pairs) });
    return encodeJson(head).byteLength <= MAX_HEAD_BYTES ? head : null;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
