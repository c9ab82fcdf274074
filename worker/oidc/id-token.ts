/**
 * Verifies what a provider signed. oauth4webapi checks an ID token's claims and not its signature (facts/security D10);
 * here both are checked, so that no caller can have one without the other.
 */
import { compactVerify, decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTPayload } from "jose";
import type { AuthorizationServer } from "oauth4webapi";
import { toBase64Url } from "../cookies/base64url.ts";
import type { ProviderSettings, SignatureAlgorithm } from "./provider-settings.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

/** Clocks differ; a token may be this much too old or too young. */
export const CLOCK_TOLERANCE_SECONDS = 60;
export const SUPPORTED_ALGORITHMS: readonly SignatureAlgorithm[] = ["RS256", "PS256", "ES256", "EdDSA"];

/** What a verified ID token is checked against, beyond its signature. */
export interface Expected {
  issuer: string;
  clientId: string;
  /** Null at a refresh, where none was sent (OpenID Connect Core section 12.2). */
  nonce: string | null;
  accessToken: string | null;
  maxAgeSeconds: number | null;
  acrValues: string[];
}

/** Configuration ∩ metadata ∩ what this gateway can verify; metadata that says nothing means RS256. */
export function allowedAlgorithms(settings: ProviderSettings, server: AuthorizationServer): SignatureAlgorithm[] {
  const offered = server.id_token_signing_alg_values_supported ?? ["RS256"];
  return SUPPORTED_ALGORITHMS.filter((name) => settings.algorithms.includes(name) && offered.includes(name));
}

/**
 * Verifies the signature of any JWS of the provider.
 * @returns the one key that verified it
 * @throws {SignInError} id_token_algorithm | id_token_key | id_token_signature | jwks_failed | provider_*
 */
export async function verifySignature(
  jws: string,
  algorithms: SignatureAlgorithm[],
  jwksUri: string | undefined,
  keys: SigningKeys,
): Promise<CryptoKey> {
  const header = await orFail("id_token_signature", () => decodeProtectedHeader(jws));
  const { alg } = header;
  if (alg === undefined || !(algorithms as string[]).includes(alg)) throw new SignInError("id_token_algorithm");
  if (jwksUri === undefined) throw new SignInError("metadata_unusable");
  for (const key of await keys.candidates(jwksUri, { ...header, alg })) {
    try {
      await compactVerify(jws, key, { algorithms });
      return key;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) {
        throw new SignInError("id_token_signature", { cause: error });
      }
    }
  }
  throw new SignInError("id_token_signature");
}

/** @throws {SignInError} whatever {@link verifySignature} throws, and id_token_claims */
export async function verifyIdToken(
  idToken: string,
  algorithms: SignatureAlgorithm[],
  server: AuthorizationServer,
  keys: SigningKeys,
  expected: Expected,
  nowMs: number,
): Promise<JWTPayload & { sub: string }> {
  const key = await verifySignature(idToken, algorithms, server.jwks_uri, keys);
  const { payload, protectedHeader } = await orFail("id_token_claims", () =>
    jwtVerify(idToken, key, {
      algorithms,
      issuer: expected.issuer,
      audience: expected.clientId,
      requiredClaims: ["sub", "iat", "exp"],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    }),
  );
  const { sub, iat } = payload;
  const refuse = (): never => {
    throw new SignInError("id_token_claims");
  };
  if (typeof sub !== "string" || sub === "" || sub.length > 255) return refuse();
  if (iat === undefined || iat > nowMs / 1000 + CLOCK_TOLERANCE_SECONDS) refuse();
  if (expected.nonce !== null && payload["nonce"] !== expected.nonce) refuse();
  // Whoever the token was issued to must be us; with several audiences it must say so (Core section 3.1.3.7).
  const several = Array.isArray(payload.aud) && payload.aud.length > 1;
  if ((several || payload["azp"] !== undefined) && payload["azp"] !== expected.clientId) refuse();
  if (payload["at_hash"] !== undefined && expected.accessToken !== null) {
    if (payload["at_hash"] !== (await accessTokenHash(expected.accessToken, protectedHeader.alg))) refuse();
  }
  if (expected.maxAgeSeconds !== null) {
    const authTime = payload["auth_time"];
    const oldest = nowMs / 1000 - expected.maxAgeSeconds - CLOCK_TOLERANCE_SECONDS;
    if (typeof authTime !== "number" || authTime < oldest) refuse();
  }
  const { acrValues } = expected;
  if (acrValues.length > 0 && !acrValues.includes(String(payload["acr"]))) refuse();
  return { ...payload, sub };
}

/** Left half of the hash that the signature's algorithm uses; EdDSA over Ed25519 uses SHA-512 (Core section 3.1.3.6). */
async function accessTokenHash(accessToken: string, algorithm: string): Promise<string> {
  const hash = algorithm === "EdDSA" ? "SHA-512" : "SHA-256";
  const digest = new Uint8Array(await crypto.subtle.digest(hash, new TextEncoder().encode(accessToken)));
  return toBase64Url(digest.subarray(0, digest.byteLength / 2));
}
