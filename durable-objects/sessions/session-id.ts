/** Opaque session ids: 128 random bits in the cookie, only their hash at rest. */

export function newSessionId(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(16)));
}

/** Hashes of ids that came lately: the digest is the slowest step of a request. */
const KNOWN = new Map<string, string>();
const MAX_KNOWN = 1_000;

export async function hashSessionId(id: string): Promise<string> {
  const known = KNOWN.get(id);
  if (known !== undefined) return known;
  const hash = await digestOf(id);
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  KNOWN.set(id, hash);
  return hash;
}

async function digestOf(id: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return base64Url(new Uint8Array(digest));
}

export function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @returns the bytes, or undefined when `text` is not base64url */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
