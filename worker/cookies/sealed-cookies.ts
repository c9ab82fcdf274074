/**
 * Cookies that keep something for us and tell their browser nothing: AES-256-GCM, so that what they hold need not be
 * stored anywhere (design section 1: nothing anonymous reaches an object). `u8 version | u8 key id | 16 bytes salt |
 * ciphertext and tag`, base64url. Key and IV come from HKDF over the salt: no pair is used twice however many are made.
 */
import { fromBase64Url, toBase64Url } from "./base64url.ts";

const VERSION = 1;
const SALT_BYTES = 16;
const HEAD_BYTES = 2 + SALT_BYTES;
const KEY_BYTES = 32;
const IV_BYTES = 12;
/** Browsers keep 4,096 bytes of name, value and attributes (RFC 6265bis section 5.6). */
const MAX_CHARACTERS = 3_840;

export class SealedCookies<T> {
  #secrets: Uint8Array<ArrayBuffer>[];
  #purpose: string;

  /**
   * @param secrets the ring of SESSION_SECRET: the first seals, all open
   * @param purpose separates the keys of one kind from every other's
   */
  constructor(secrets: string[], purpose: string) {
    this.#secrets = secrets.map((secret) => new Uint8Array(new TextEncoder().encode(secret)));
    this.#purpose = purpose;
  }

  /**
   * @param name the cookie's full name; the value opens under no other
   * @returns undefined when it would be more than a browser keeps
   */
  async seal(tenant: string, name: string, content: T): Promise<string | undefined> {
    const [secret] = this.#secrets;
    if (secret === undefined) throw new Error("no session secret");
    const head = new Uint8Array(HEAD_BYTES);
    head.set([VERSION, await hint(secret)]);
    crypto.getRandomValues(head.subarray(2));
    const { key, iv } = await this.#derive(secret, tenant, head);
    const plain = new TextEncoder().encode(JSON.stringify(content));
    const cipher = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(head, name) }, key, plain);
    const sealed = new Uint8Array(HEAD_BYTES + cipher.byteLength);
    sealed.set(head);
    sealed.set(new Uint8Array(cipher), HEAD_BYTES);
    const value = toBase64Url(sealed);
    return value.length <= MAX_CHARACTERS ? value : undefined;
  }

  /** @returns undefined unless it was sealed here, for this tenant and purpose, under this very name */
  async open(tenant: string, name: string, value: string): Promise<T | undefined> {
    const sealed = value.length <= MAX_CHARACTERS ? fromBase64Url(value) : undefined;
    if (sealed === undefined || sealed.byteLength <= HEAD_BYTES || sealed[0] !== VERSION) return undefined;
    const head = sealed.slice(0, HEAD_BYTES);
    for (const secret of this.#secrets) {
      if ((await hint(secret)) !== head[1]) continue;
      const { key, iv } = await this.#derive(secret, tenant, head);
      try {
        const algorithm = { name: "AES-GCM", iv, additionalData: bound(head, name) };
        const plain = await crypto.subtle.decrypt(algorithm, key, sealed.slice(HEAD_BYTES));
        // Authenticated, so it has the shape it was sealed with.
        return JSON.parse(new TextDecoder().decode(plain)) as T;
      } catch {
        // Another secret with the same hint, or not ours.
      }
    }
    return undefined;
  }

  async #derive(secret: Uint8Array<ArrayBuffer>, tenant: string, head: Uint8Array<ArrayBuffer>) {
    const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    const info = new TextEncoder().encode(`tidegate ${this.#purpose} v1 ${tenant}`);
    const parameters = { name: "HKDF", hash: "SHA-256", salt: head.slice(2), info };
    const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, base, (KEY_BYTES + IV_BYTES) * 8));
    const usages: ("encrypt" | "decrypt")[] = ["encrypt", "decrypt"];
    const key = await crypto.subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, usages);
    return { key, iv: bits.slice(KEY_BYTES) };
  }
}

function bound(head: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(name);
  const data = new Uint8Array(head.byteLength + text.byteLength);
  data.set(head);
  data.set(text, head.byteLength);
  return data;
}

/** Finds the secret in the ring; it reveals 8 bits of a hash of 256 random ones. */
async function hint(secret: Uint8Array<ArrayBuffer>): Promise<number> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", secret))[0] ?? 0;
}
