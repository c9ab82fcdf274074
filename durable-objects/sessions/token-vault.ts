/**
 * Refresh tokens at rest: AES-256-GCM under a key that HKDF derives from STORAGE_KEY for the tenant. A token opens for
 * the session it was sealed for and no other. `u8 version | u8 key id | 12 bytes IV | ciphertext and tag`.
 */

const VERSION = 1;
const HEAD_BYTES = 2;
const IV_BYTES = 12;

export class TokenVault {
  #storageKey: string;
  #keys = new Map<string, Promise<{ id: number; key: CryptoKey }>>();

  constructor(storageKey: string) {
    this.#storageKey = storageKey;
  }

  async seal(tenant: string, session: string, token: string): Promise<ArrayBuffer> {
    const { id, key } = await this.#keyOf(tenant);
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const algorithm = { name: "AES-GCM", iv, additionalData: boundTo(tenant, session) };
    const cipher = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, new TextEncoder().encode(token)));
    const sealed = new Uint8Array(HEAD_BYTES + IV_BYTES + cipher.byteLength);
    sealed.set([VERSION, id]);
    sealed.set(iv, HEAD_BYTES);
    sealed.set(cipher, HEAD_BYTES + IV_BYTES);
    return sealed.buffer;
  }

  /** @returns undefined for what was sealed under another STORAGE_KEY, or for another tenant or session */
  async open(tenant: string, session: string, sealed: ArrayBuffer): Promise<string | undefined> {
    const bytes = new Uint8Array(sealed);
    const { id, key } = await this.#keyOf(tenant);
    if (bytes[0] !== VERSION || bytes[1] !== id) return undefined;
    const iv = bytes.slice(HEAD_BYTES, HEAD_BYTES + IV_BYTES);
    const algorithm = { name: "AES-GCM", iv, additionalData: boundTo(tenant, session) };
    try {
      const plain = await crypto.subtle.decrypt(algorithm, key, bytes.slice(HEAD_BYTES + IV_BYTES));
      return new TextDecoder().decode(plain);
    } catch {
      return undefined;
    }
  }

  #keyOf(tenant: string): Promise<{ id: number; key: CryptoKey }> {
    const known = this.#keys.get(tenant);
    if (known !== undefined) return known;
    const key = deriveKey(this.#storageKey, tenant);
    this.#keys.set(tenant, key);
    return key;
  }
}

function boundTo(tenant: string, session: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(`${tenant}|${session}|refresh-token`));
}

async function deriveKey(storageKey: string, tenant: string): Promise<{ id: number; key: CryptoKey }> {
  const secret = new TextEncoder().encode(storageKey);
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode(`tidegate refresh-token v1 ${tenant}`);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    base,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  // Tells a former key's work from damage; it reveals 8 bits of a hash of 256 random ones.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", secret));
  return { id: digest[0] ?? 0, key };
}
