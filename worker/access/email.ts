/**
 * E-mail addresses as access rules compare them. Two spellings are the same address only when nobody could own one
 * and not the other: upper case folds, everything clever (lookalikes, tags, trailing dots) stays different or is none.
 */

/** RFC 5321 dot-atom without the quoted forms, which no mail provider hands out and every parser reads differently. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_{|}~-]+)*$/;
const MAX_LOCAL = 64;
const MAX_DOMAIN = 190;
const HOST_NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
/** What a label may hold before it is converted; punctuation, format characters and other dots never. */
const DOMAIN_TEXT = /^[\p{L}\p{M}\p{N}.-]+$/u;

/** @returns the address in lower case with an ASCII domain, or null when it is not plainly one address */
export function normalizeEmail(text: string): string | null {
  const at = text.indexOf("@");
  if (at <= 0 || at > MAX_LOCAL || at !== text.lastIndexOf("@")) return null;
  const local = lowerAscii(text.slice(0, at));
  const domain = normalizeDomain(text.slice(at + 1));
  if (local === null || domain === null || !LOCAL.test(local)) return null;
  return `${local}@${domain}`;
}

/** @returns the domain of a normalized address */
export function emailDomain(email: string): string {
  return email.slice(email.indexOf("@") + 1);
}

/**
 * @returns the domain in lower-case ASCII (RFC 5891 A-labels), or null. A letter that Unicode maps onto an ASCII one
 *   (Kelvin sign, full width) makes it null: whoever writes that wants to be taken for another domain.
 */
export function normalizeDomain(text: string): string | null {
  if (text.length > MAX_DOMAIN || !DOMAIN_TEXT.test(text) || text.normalize("NFC") !== text) return null;
  const host = URL.parse(`http://${text}`)?.hostname;
  if (host === undefined || host.length > MAX_DOMAIN || !HOST_NAME.test(host)) return null;
  const asked = text.split(".");
  const got = host.split(".");
  const faithful = asked.every((label, index) => lowerAscii(label) === got[index] || isConverted(label, got[index]));
  return asked.length === got.length && faithful ? host : null;
}

function isConverted(asked: string, got: string | undefined): boolean {
  return lowerAscii(asked) === null && got !== undefined && got.startsWith("xn--");
}

/** `toLowerCase` alone would turn the Kelvin sign into a plain k. */
function lowerAscii(text: string): string | null {
  return /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase() : null;
}
