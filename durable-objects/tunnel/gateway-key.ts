/**
 * The tenant's gateway key: Ed25519, derived from STORAGE_KEY, so that it needs no row and survives a restore.
 * Agents pin its public half at enrolment (SPEC.md section 2).
 */

/** RFC 8410: the fixed head of a PKCS #8 Ed25519 private key, before its 32-byte seed. */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

/** @returns the signing key of `tenant`; the seed is HKDF-SHA256 of the secret, empty salt, purpose and tenant as info */
export function deriveGatewayKey(storageKey: string, tenant: string): Promise<CryptoKey> {
  return derive(storageKey, tenant, false);
}

/** @returns its public half: 32 raw bytes, base64url */
export async function gatewayPublicKey(storageKey: string, tenant: string): Promise<string> {
  const jwk = (await crypto.subtle.exportKey("jwk", await derive(storageKey, tenant, true))) as JsonWebKey;
  if (jwk.x === undefined) throw new Error("the gateway key has no public half");
  return jwk.x;
}

async function derive(storageKey: string, tenant: string, extractable: boolean): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey("raw", encoder.encode(storageKey), "HKDF", false, ["deriveBits"]);
  const info = encoder.encode(`tidegate gateway-key v1 ${tenant}`);
  const seed = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    secret,
    256,
  );
  const pkcs8 = new Uint8Array(PKCS8_HEAD.byteLength + 32);
  pkcs8.set(PKCS8_HEAD);
  pkcs8.set(new Uint8Array(seed), PKCS8_HEAD.byteLength);
  return crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, extractable, ["sign"]);
}
