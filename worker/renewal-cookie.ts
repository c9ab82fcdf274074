/**
 * Where a browser stands with the silent renewal of an expired session: one try for each expiry, so that a provider that
 * says no is not asked again and again. Not sealed: whoever changes it only misleads their own page.
 */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { COOKIE_PREFIX } from "#protocol/version.ts";
import type { AppContext } from "./context.ts";

/** What the UI gives a renewal (10 s), and the way back. */
const UNDER_WAY_MS = 12_000;
const LIFETIME_SECONDS = 86_400;

export interface Renewal {
  outcome: "begun" | "failed" | "other-person";
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** @param expiresAt of the session cookie that is over: it tells one expiry from the next */
export function noteRenewal(c: AppContext, expiresAt: number, { outcome, startedAt }: Renewal): void {
  const value = `${expiresAt}.${startedAt}.${outcome}`;
  setCookie(c, nameOf(c), value, { ...attributes(c), maxAge: LIFETIME_SECONDS });
}

/** @returns how the try for this very expiry went, or undefined when there was none */
export function readRenewal(c: AppContext, expiresAt: number): Renewal | undefined {
  const text = getCookie(c, nameOf(c)) ?? "";
  const [, expiry, startedAt, outcome] = /^(\d{1,12})\.(\d{1,15})\.(begun|failed|other-person)$/.exec(text) ?? [];
  if (Number(expiry) !== expiresAt) return undefined;
  return { outcome: outcome as Renewal["outcome"], startedAt: Number(startedAt) };
}

export function forgetRenewal(c: AppContext): void {
  deleteCookie(c, nameOf(c), attributes(c));
}

/** @returns whether its answer may still come */
export function isUnderWay(renewal: Renewal | undefined, now: number): boolean {
  return renewal?.outcome === "begun" && Math.abs(now - renewal.startedAt) < UNDER_WAY_MS;
}

/** No tenant's session cookie has an underscore in its name. */
function nameOf(c: AppContext): string {
  return `${isSecure(c) ? "__Host-" : ""}${COOKIE_PREFIX}_renewal`;
}

function attributes(c: AppContext) {
  return { httpOnly: true, sameSite: "Lax", path: "/", secure: isSecure(c) } as const;
}

function isSecure(c: AppContext): boolean {
  return c.var.tenant.publicUrl.protocol === "https:";
}
