/**
 * The gateway's word that a key was enrolled once: with it the Worker tells agents from strangers without asking an
 * object. Whether the key still counts is the object's to say. `u8 version | u8 key id | 32 bytes public key | 32 bytes
 * HMAC-SHA256`, base64url; the HMAC covers the agent's id too.
 */
import { fromBase64Url, toBase64Url } from "../cookies/base64url.ts";

const VERSION = 1;
const PAYLOAD_BYTES = 34;
const MAC_BYTES = 32;

interface Key {
  id: number;
  key: CryptoKey;
}

export class AgentPasses {
  #secrets: string[];
  #keys = new Map<string, Key[]>();

  /** @param secrets the ring of SESSION_SECRET: the first signs, all verify */
  constructor(secrets: string[]) {
    this.#secrets = secrets;
  }

  /** @param publicKey raw Ed25519, base64url */
  async make(tenant: string, agent: string, publicKey: string): Promise<string> {
    const [signing] = await this.#keysOf(tenant);
    const raw = fromBase64Url(publicKey);
    if (signing === undefined || raw?.byteLength !== 32) throw new Error("unusable public key or secret");
    const payload = new Uint8Array(PAYLOAD_BYTES);
    payload.set([VERSION, signing.id]);
    payload.set(raw, 2);
    const mac = await crypto.subtle.sign("HMAC", signing.key, bound(payload, agent));
    const pass = new Uint8Array(PAYLOAD_BYTES + MAC_BYTES);
    pass.set(payload);
    pass.set(new Uint8Array(mac), PAYLOAD_BYTES);
    return toBase64Url(pass);
  }

  /** @returns undefined unless it was made here for this agent; `stale`: by a secret that is not the first any more */
  async read(tenant: string, agent: string, pass: string): Promise<{ publicKey: string; stale: boolean } | undefined> {
    const bytes = pass.length <= 128 ? fromBase64Url(pass) : undefined;
    if (bytes?.byteLength !== PAYLOAD_BYTES + MAC_BYTES || bytes[0] !== VERSION) return undefined;
    const payload = bytes.slice(0, PAYLOAD_BYTES);
    const mac = bytes.slice(PAYLOAD_BYTES);
    const keys = await this.#keysOf(tenant);
    for (const [at, { id, key }] of keys.entries()) {
      if (id !== bytes[1] || !(await crypto.subtle.verify("HMAC", key, mac, bound(payload, agent)))) continue;
      return { publicKey: toBase64Url(payload.subarray(2)), stale: at > 0 };
    }
    return undefined;
  }

  async #keysOf(tenant: string): Promise<Key[]> {
    const known = this.#keys.get(tenant);
    if (known !== undefined) return known;
    const keys = await Promise.all(this.#secrets.map((secret) => deriveKey(secret, tenant)));
    // Values and not promises are kept: one request may not wait for another's work in workerd.
    this.#keys.set(tenant, keys);
    return keys;
  }
}

function bound(payload: Uint8Array, agent: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(agent);
  const data = new Uint8Array(payload.byteLength + name.byteLength);
  data.set(payload);
  data.set(name, payload.byteLength);
  return data;
}

async function deriveKey(secret: string, tenant: string): Promise<Key> {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(secret);
  const base = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const info = encoder.encode(`tidegate agent-pass v1 ${tenant}`);
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
