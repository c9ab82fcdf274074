/** What makes a secret usable. Judged by shape only; no sentence here holds any part of one. */
import { fromBase64Url } from "../cookies/base64url.ts";
import type { SignatureAlgorithm } from "../oidc/provider-settings.ts";
import { isRecord } from "./schema.ts";

export const SESSION_SECRET_EXPECTED =
  "32 random bytes or more in base64url, not a repeated pattern; several separated by commas: the first signs, all verify";
const MAX_RING = 4;
/** 32 random bytes have about 30 different characters; fewer than 16 do not happen in the age of the universe. */
const LEAST_DIFFERENT = 16;

export function isSessionSecretRing(text: string): boolean {
  const ring = text.split(",");
  return ring.length <= MAX_RING && new Set(ring).size === ring.length && ring.every(isStrong);
}

function isStrong(secret: string): boolean {
  if (!/^[A-Za-z0-9_-]{43,256}$/.test(secret) || secret.length % 4 === 1) return false;
  return new Set(secret).size >= LEAST_DIFFERENT && !hasPeriod(secret);
}

/** A short text written out again and again. */
function hasPeriod(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true;
  }
  return false;
}

/** @returns the sentence that says what a client secret must be, or null when this one can be right */
export function clientSecretFault(secret: string, development: boolean): string | null {
  // `echo secret | wrangler secret put` keeps the line end, and every sign-in fails with invalid_client.
  if (secret !== secret.trim()) return "the client secret without spaces or a line end around it";
  if (/\p{C}/u.test(secret)) return "the client secret without control characters";
  if (development) return null;
  if (secret.length < 8 || new Set(secret).size < 4)
    return "the client secret that the provider made: this one is too weak";
  return null;
}

export interface SigningKey {
  key: JsonWebKey;
  algorithm: SignatureAlgorithm;
  keyId: string | null;
}

export const PRIVATE_KEY_EXPECTED =
  "a private key as JWK (JSON): RSA of 2048 bits or more, EC P-256 or Ed25519, with `alg` RS256, PS256, ES256 or EdDSA if any";

/** @returns the key with the algorithm it is for, or null */
export function readPrivateKey(text: string): SigningKey | null {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(jwk) || typeof jwk["d"] !== "string") return null;
  const fitting = algorithmsOf(jwk);
  const algorithm = jwk["alg"] === undefined ? fitting[0] : fitting.find((name) => name === jwk["alg"]);
  if (algorithm === undefined) return null;
  const { kid } = jwk;
  return { key: jwk as unknown as JsonWebKey, algorithm, keyId: typeof kid === "string" ? kid : null };
}

function algorithmsOf(jwk: Record<string, unknown>): SignatureAlgorithm[] {
  if (jwk["kty"] === "EC" && jwk["crv"] === "P-256") return ["ES256"];
  if (jwk["kty"] === "OKP" && jwk["crv"] === "Ed25519") return ["EdDSA"];
  const modulus = jwk["kty"] === "RSA" && typeof jwk["n"] === "string" ? fromBase64Url(jwk["n"]) : undefined;
  return modulus !== undefined && modulus.byteLength >= 256 ? ["RS256", "PS256"] : [];
}
