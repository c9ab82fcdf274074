/** One sign-in attempt while the person is at the provider; kept by the browser, sealed (see cookies/sealed-cookies.ts). */
import { generateRandomCodeVerifier, generateRandomNonce } from "oauth4webapi";
import { COOKIE_PREFIX } from "#protocol/version.ts";
import { toBase64Url } from "../cookies/base64url.ts";

export const ATTEMPT_LIFETIME_MS = 10 * 60_000;
/** Addresses longer than this are not worth a cookie: such a sign-in leads to the first page. */
export const MAX_RETURN_CHARACTERS = 1_024;
const ID_BYTES = 8;

export interface Attempt {
  /** The provider it was started for; a callback for another one fails (facts/security T11). */
  provider: string;
  /** `<id>.<secret>`: the id finds the cookie of this tab, the whole is compared. */
  state: string;
  nonce: string;
  codeVerifier: string;
  /** A target of OpenClaw's that passed `returnTarget`. */
  next: string;
  /** The session that it silently goes on with, or null: then a person is watching. */
  renews: string | null;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

export function newAttempt(provider: string, next: string, now: number, renews: string | null = null): Attempt {
  const id = toBase64Url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  const secret = toBase64Url(crypto.getRandomValues(new Uint8Array(24)));
  return {
    provider,
    state: `${id}.${secret}`,
    nonce: generateRandomNonce(),
    codeVerifier: generateRandomCodeVerifier(),
    next: next.length <= MAX_RETURN_CHARACTERS ? next : "/",
    renews,
    startedAt: now,
  };
}

/** `__Host-` wherever the browser lets us. */
export function attemptCookiePrefix(secure: boolean): string {
  return `${secure ? "__Host-" : ""}${COOKIE_PREFIX}attempt-`;
}

/** @param id what {@link attemptId} finds in a state */
export function attemptCookieName(id: string, secure: boolean): string {
  return `${attemptCookiePrefix(secure)}${id}`;
}

/** @returns the part of a state that names its attempt, or undefined when it is no state of ours */
export function attemptId(state: string | null | undefined): string | undefined {
  return /^([A-Za-z0-9_-]{11})\.[A-Za-z0-9_-]{32}$/.exec(state ?? "")?.[1];
}

export function isOver(attempt: Attempt, now: number): boolean {
  return now - attempt.startedAt >= ATTEMPT_LIFETIME_MS || attempt.startedAt > now + 60_000;
}
