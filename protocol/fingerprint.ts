/** How a person compares two keys: the short form that the agent's terminal and the administrator's page both show. */

const GROUP = 4;
const CHARACTERS = 12;
/** Crockford's base 32: no letter that is read as another. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * @param digest SHA-256 of the 32 raw bytes of the public key
 * @returns its first 60 bits, such as `K7QF-2M9D-0XTB` (SPEC.md section 12)
 */
export function formatFingerprint(digest: Uint8Array): string {
  let text = "";
  let [bits, held] = [0, 0];
  for (const byte of digest) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < CHARACTERS) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
    if (text.length === CHARACTERS) break;
  }
  return text.match(new RegExp(`.{${GROUP}}`, "g"))?.join("-") ?? "";
}
