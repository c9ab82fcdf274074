/**
 * The session cookie: an opaque id with what the Worker needs to route it, under an HMAC (design section 7).
 * `u8 version | u8 key id | u8 shard | u32 expiry | 16 bytes id | u8 n, tenant | 32 bytes HMAC-SHA256`, base64url.
 */
import { COOKIE_PREFIX } from "#protocol/version.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";

const VERSION = 1;
const FIXED_BYTES = 24;
const MAC_BYTES = 32;

export interface SessionReference {
  /** Opaque id, base64url of 16 bytes. */
  session: string;
  shard: number;
  /** Seconds since the epoch. */
  expiresAt: number;
}

/** No session has this id: a browser that holds it has signed out, and its other tabs are told so. */
export const SIGNED_OUT = "AAAAAAAAAAAAAAAAAAAAAA";

export type ReadCookie = { kind: "valid" | "expired"; reference: SessionReference };

/**
 * What a cookie is good for; names and keys are derived from it, so that none is good for another. No tenant's id has
 * the characters between.
 */
export function cookieScope({ id, kind }: { id: string; kind: "workspace" | "console" | "cli" }): string {
  return kind === "workspace" ? id : `${id}_${kind}`;
}

/** `__Host-` wherever the browser lets us: it needs https (RFC 6265bis section 4.1.3.2). */
export function cookieName(tenant: string, secure: boolean): string {
  return `${secure ? "__Host-" : ""}${COOKIE_PREFIX}${tenant}`;
}

interface Key {
  id: number;
  key: CryptoKey;
}

/** Seals and reads the cookies of one deployment; keys are derived per tenant, once. */
export class SessionCookies {
  #secrets: string[];
  #keys = new Map<string, Promise<Key[]>>();

  constructor(secrets: string[]) {
    this.#secrets = secrets;
  }

  async seal(tenant: string, reference: SessionReference): Promise<string> {
    const [signing] = await this.#keysOf(tenant);
    const id = fromBase64Url(reference.session);
    if (signing === undefined || id?.byteLength !== 16) throw new Error("unusable session id or key");
    const name = new TextEncoder().encode(tenant);
    const payload = new Uint8Array(FIXED_BYTES + name.byteLength);
    payload.set([VERSION, signing.id, reference.shard]);
    new DataView(payload.buffer).setUint32(3, reference.expiresAt);
    payload.set(id, 7);
    payload[23] = name.byteLength;
    payload.set(name, FIXED_BYTES);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", signing.key, payload));
    const sealed = new Uint8Array(payload.byteLength + MAC_BYTES);
    sealed.set(payload);
    sealed.set(mac, payload.byteLength);
    return toBase64Url(sealed);
  }

  /** @returns undefined unless every bit is as it was sealed, for this very tenant */
  async read(tenant: string, value: string, nowMs: number): Promise<ReadCookie | undefined> {
    const sealed = value.length <= 256 ? fromBase64Url(value) : undefined;
    if (sealed === undefined || sealed.byteLength < FIXED_BYTES + MAC_BYTES || sealed[0] !== VERSION) return undefined;
    const payload = sealed.subarray(0, sealed.byteLength - MAC_BYTES);
    const mac = sealed.subarray(sealed.byteLength - MAC_BYTES);
    const keys = await this.#keysOf(tenant);
    const candidates = keys.filter(({ id }) => id === sealed[1]);
    const good = await Promise.all(candidates.map(({ key }) => crypto.subtle.verify("HMAC", key, mac, payload)));
    if (!good.includes(true)) return undefined;
    const name = new TextDecoder().decode(payload.subarray(FIXED_BYTES));
    if (name !== tenant || payload[23] !== payload.byteLength - FIXED_BYTES) return undefined;
    const expiresAt = new DataView(payload.buffer, payload.byteOffset).getUint32(3);
    const reference = { session: toBase64Url(payload.subarray(7, 23)), shard: payload[2] ?? 0, expiresAt };
    return { kind: nowMs < expiresAt * 1000 ? "valid" : "expired", reference };
  }

  #keysOf(tenant: string): Promise<Key[]> {
    const known = this.#keys.get(tenant);
    if (known !== undefined) return known;
    const keys = Promise.all(this.#secrets.map((secret) => deriveKey(secret, tenant)));
    this.#keys.set(tenant, keys);
    return keys;
  }
}

async function deriveKey(secret: string, tenant: string): Promise<Key> {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(secret);
  const base = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const info = encoder.encode(`tidegate session-cookie v1 ${tenant}`);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    base,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
  // A hint that finds the key in the ring; it reveals 8 bits of a hash of 256 random ones.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { id: digest[0] ?? 0, key };
}
