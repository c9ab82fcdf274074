/** A provider's keys (RFC 7517): cached, fetched again for an unknown `kid` at most once a minute. */
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from "jose";
import type { OutboundFetch } from "./outbound-fetch.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

const FRESH_MS = 10 * 60_000;
/** Unknown key ids are free to make up: they may not make us knock more often than this (facts/security T13). */
export const REFETCH_MS = 60_000;
const MAX_CANDIDATES = 8;

type FindKey = ReturnType<typeof createLocalJWKSet>;

export class SigningKeys {
  #fetch: OutboundFetch;
  #now: () => number;
  #known: { address: string; find: FindKey; at: number } | undefined;
  #refetchedAt = -Infinity;

  constructor(fetch: OutboundFetch, now: () => number) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /**
   * The keys that fit a token's header; several when it names none and more than one fits.
   * @throws {SignInError} id_token_key | jwks_failed | provider_*
   */
  async candidates(address: string, header: JWTHeaderParameters): Promise<CryptoKey[]> {
    const known = this.#known;
    const fresh = known !== undefined && known.address === address && this.#now() - known.at < FRESH_MS;
    const found = await select((fresh ? known : await this.#load(address)).find, header);
    if (found.length > 0) return found;
    // What was fetched just now needs no second look; nor does the next made-up name within a minute.
    if (!fresh || this.#now() - this.#refetchedAt < REFETCH_MS) throw new SignInError("id_token_key");
    this.#refetchedAt = this.#now();
    const again = await select((await this.#load(address)).find, header);
    if (again.length === 0) throw new SignInError("id_token_key");
    return again;
  }

  async #load(address: string) {
    const response = await this.#fetch(address, { headers: { accept: "application/jwk-set+json, application/json" } });
    return orFail("jwks_failed", async () => {
      if (response.status !== 200) throw new SignInError("jwks_failed");
      const { keys } = (await response.json()) as { keys?: unknown };
      if (!Array.isArray(keys)) throw new SignInError("jwks_failed");
      // What we cannot read must not hide what we can (RFC 7517 section 5).
      const usable = keys.filter((key) => typeof key === "object" && key !== null && typeof key.kty === "string");
      const find = createLocalJWKSet({ keys: usable } as JSONWebKeySet);
      this.#known = { address, find, at: this.#now() };
      return this.#known;
    });
  }
}

async function select(find: FindKey, header: JWTHeaderParameters): Promise<CryptoKey[]> {
  try {
    return [await find(header, {} as FlattenedJWSInput)];
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      const keys: CryptoKey[] = [];
      for await (const key of error) if (keys.push(key) === MAX_CANDIDATES) break;
      return keys;
    }
    // No key fits, or the one that does cannot be read.
    return [];
  }
}
