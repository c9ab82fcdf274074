/**
 * The ID token of a session, kept for one purpose: to tell the provider at sign-out whom it concerns (RP-Initiated
 * Logout 1.0 section 2). It is stored nowhere but in the browser, sealed, and sent on sign-out only.
 */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { COOKIE_PREFIX, GATE_PREFIX } from "#protocol/version.ts";
import type { AppContext } from "../context.ts";
import type { SealedCookies } from "../cookies/sealed-cookies.ts";

const LIFETIME_SECONDS = 7 * 86_400;

export interface SignOutHint {
  /** The session it belongs to; another one's is of no use. */
  session: string;
  idToken: string;
}

export interface HintKeeping {
  cookies: SealedCookies<SignOutHint>;
  secure: boolean;
}

/** Larger tokens than a cookie holds are not kept: the provider is then told the client and the e-mail. */
export async function keepHint(c: AppContext, keeping: HintKeeping, hint: SignOutHint): Promise<void> {
  if (hint.idToken === "") return;
  const name = cookieName(keeping);
  const value = await keeping.cookies.seal(c.var.tenant.id, name, hint);
  if (value === undefined) deleteCookie(c, name, attributes(keeping));
  else setCookie(c, name, value, { ...attributes(keeping), maxAge: LIFETIME_SECONDS });
}

/** @returns the ID token of the session that is being signed out of, or null; its cookie is gone afterwards */
export async function takeHint(c: AppContext, keeping: HintKeeping): Promise<string | null> {
  const name = cookieName(keeping);
  const value = getCookie(c, name);
  if (value === undefined) return null;
  deleteCookie(c, name, attributes(keeping));
  const hint = await keeping.cookies.open(c.var.tenant.id, name, value);
  return hint !== undefined && hint.session === c.var.cookie?.reference.session ? hint.idToken : null;
}

/** Not `__Host-`, which wants the path `/`: this one must not travel with every request. */
function cookieName({ secure }: HintKeeping): string {
  return `${secure ? "__Secure-" : ""}${COOKIE_PREFIX}sign-out`;
}

function attributes({ secure }: HintKeeping) {
  return { httpOnly: true, sameSite: "Strict", path: `${GATE_PREFIX}/logout`, secure } as const;
}
