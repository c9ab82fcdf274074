/**
 * An agent's wish to be let in, sealed and carried by the link that its terminal shows: nothing is stored until an
 * administrator has decided, so strangers can fill nothing (after RFC 8628, whose user code this link replaces).
 */
import * as v from "valibot";
import { formatFingerprint } from "#protocol/fingerprint.ts";
import { fromBase64Url } from "../cookies/base64url.ts";
import { SealedCookies } from "../cookies/sealed-cookies.ts";

export const REQUEST_LIFETIME_MS = 10 * 60_000;
/** Not a cookie's name; the seal opens under no other. */
const NAME = "enrolment";

const line = (most: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(most), v.regex(/^[^\p{C}]*$/u));

/** What an agent says of itself. Shown to an administrator, and believed by nobody. */
export const Introduction = v.object({ name: line(64), openclaw: v.nullable(line(32)), version: line(32) });

export interface EnrolmentRequest extends v.InferOutput<typeof Introduction> {
  /** Raw Ed25519, base64url; its owner signed the request. */
  publicKey: string;
  /** Where it came from. */
  address: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export class EnrolmentRequests {
  #sealed: SealedCookies<EnrolmentRequest>;

  constructor(secrets: string[]) {
    this.#sealed = new SealedCookies(secrets, "enrolment-request");
  }

  /** @returns text that fits into an address */
  async seal(tenant: string, request: EnrolmentRequest): Promise<string> {
    const sealed = await this.#sealed.seal(tenant, NAME, request);
    if (sealed === undefined) throw new Error("an enrolment request of bounded fields fits");
    return sealed;
  }

  /** @returns undefined when it is not ours, of another tenant, or over */
  async open(tenant: string, sealed: string, nowMs: number): Promise<EnrolmentRequest | undefined> {
    const request = await this.#sealed.open(tenant, NAME, sealed);
    return request !== undefined && nowMs < request.expiresAt ? request : undefined;
  }
}

/** @param publicKey raw Ed25519, base64url */
export async function fingerprintOf(publicKey: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", fromBase64Url(publicKey) ?? new Uint8Array());
  return formatFingerprint(new Uint8Array(digest));
}
