/** An address that tells people apart and nothing else about them: OpenClaw shows everybody everybody's. */
import { fromBase64Url } from "../sessions/session-id.ts";

const GROUPS = 6;

/**
 * @param person a person's key, a hash
 * @returns the same address for the same person, below the prefix that is nobody's (2001:db8::/32, RFC 3849)
 */
export function maskedAddress(person: string): string {
  const bytes = fromBase64Url(person) ?? new Uint8Array();
  const groups = Array.from({ length: GROUPS }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `2001:db8:${groups.join(":")}`;
}
