/** The attempts of one browser: a cookie for each tab, five at most, each good for one callback. */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { AppContext } from "../context.ts";
import type { SealedCookies } from "../cookies/sealed-cookies.ts";
import { attemptCookieName, attemptCookiePrefix, attemptId, isOver, type Attempt } from "./attempt.ts";
import { SignInError } from "./sign-in-error.ts";

/** Tabs that may wait for their sign-in at once; the oldest gives way. */
export const MAX_ATTEMPTS = 5;
/** Longer than an attempt is good for, so that who comes too late still ends up where they wanted to go. */
const COOKIE_LIFETIME_SECONDS = 3_600;
/** A browser that sends more has been fed them (by a sub-domain or a script): what is beyond is removed unread. */
const MAX_OPENED = 20;

export interface AttemptKeeping {
  cookies: SealedCookies<Attempt>;
  secure: boolean;
  now: () => number;
}

/** Sets the cookie of an attempt that begins. */
export async function keepAttempt(c: AppContext, keeping: AttemptKeeping, attempt: Attempt): Promise<void> {
  await makeRoom(c, keeping);
  const name = attemptCookieName(attemptId(attempt.state) ?? "", keeping.secure);
  const value = await keeping.cookies.seal(c.var.tenant.id, name, attempt);
  if (value === undefined) throw new Error("an attempt is larger than a cookie");
  setCookie(c, name, value, { ...attributes(keeping), maxAge: COOKIE_LIFETIME_SECONDS });
}

/**
 * Takes the attempt that `state` names; its cookie is gone afterwards, whatever comes of it. It may be over: then it
 * only says where the person wanted to go.
 * @throws {SignInError} attempt_missing (another browser, or made up)
 */
export async function takeAttempt(
  c: AppContext,
  keeping: AttemptKeeping,
  provider: string,
  state: string | undefined,
): Promise<Attempt> {
  const id = attemptId(state);
  if (id === undefined) throw new SignInError("attempt_missing");
  const name = attemptCookieName(id, keeping.secure);
  const value = getCookie(c, name);
  const attempt = value === undefined ? undefined : await keeping.cookies.open(c.var.tenant.id, name, value);
  if (attempt === undefined || attempt.state !== state) throw new SignInError("attempt_missing");
  deleteCookie(c, name, attributes(keeping));
  if (attempt.provider !== provider) throw new SignInError("attempt_missing");
  return attempt;
}

async function makeRoom(c: AppContext, keeping: AttemptKeeping): Promise<void> {
  const prefix = attemptCookiePrefix(keeping.secure);
  const found = Object.entries(getCookie(c)).filter(([name]) => name.startsWith(prefix));
  const alive: { name: string; startedAt: number }[] = [];
  for (const [name, value] of found.slice(0, MAX_OPENED)) {
    const attempt = await keeping.cookies.open(c.var.tenant.id, name, value);
    if (attempt !== undefined && !isOver(attempt, keeping.now())) alive.push({ name, startedAt: attempt.startedAt });
  }
  const kept = alive.sort((a, b) => b.startedAt - a.startedAt).slice(0, MAX_ATTEMPTS - 1);
  const names = new Set(kept.map(({ name }) => name));
  for (const [name] of found) if (!names.has(name)) deleteCookie(c, name, attributes(keeping));
}

function attributes({ secure }: AttemptKeeping) {
  // Lax and not Strict: the provider's redirect back is another site's navigation.
  return { httpOnly: true, sameSite: "Lax", path: "/", secure } as const;
}
