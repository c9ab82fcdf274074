/**
 * What a front-channel logout is checked against: which session of which provider session this browser has, sealed. The
 * session's own cookie does not come into another site's frame (SameSite=Lax); this one does, where the browser lets
 * it, and only to its one path.
 */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { COOKIE_PREFIX, GATE_PREFIX } from "#protocol/version.ts";
import type { AppContext } from "../context.ts";
import type { SealedCookies } from "../cookies/sealed-cookies.ts";

const LIFETIME_SECONDS = 90 * 86_400;

export interface FrontChannelSession {
  session: string;
  shard: number;
  issuer: string;
  providerSessionId: string;
}

export interface FrontChannelKeeping {
  cookies: SealedCookies<FrontChannelSession>;
  secure: boolean;
}

export async function keepFrontChannel(
  c: AppContext,
  keeping: FrontChannelKeeping,
  session: FrontChannelSession,
): Promise<void> {
  const name = cookieName(keeping);
  const value = await keeping.cookies.seal(c.var.tenant.id, name, session);
  if (value === undefined) deleteCookie(c, name, ATTRIBUTES);
  else setCookie(c, name, value, { ...ATTRIBUTES, maxAge: LIFETIME_SECONDS });
}

/** @returns the browser's session when it is the one that is named; its cookie is gone afterwards */
export async function takeFrontChannel(
  c: AppContext,
  keeping: FrontChannelKeeping,
  named: Pick<FrontChannelSession, "issuer" | "providerSessionId">,
): Promise<FrontChannelSession | null> {
  const name = cookieName(keeping);
  const value = getCookie(c, name);
  if (value === undefined) return null;
  const kept = await keeping.cookies.open(c.var.tenant.id, name, value);
  if (kept?.issuer !== named.issuer || kept.providerSessionId !== named.providerSessionId) return null;
  deleteCookie(c, name, ATTRIBUTES);
  return kept;
}

function cookieName({ secure }: FrontChannelKeeping): string {
  return `${secure ? "__Secure-" : ""}${COOKIE_PREFIX}front-channel`;
}

/** `None` needs `Secure`, which browsers take from http on localhost, too. */
const ATTRIBUTES = {
  httpOnly: true,
  sameSite: "None",
  path: `${GATE_PREFIX}/frontchannel-logout`,
  secure: true,
} as const;
