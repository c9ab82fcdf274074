/** Starts and ends a browser's session: the row at the object, the cookie at the browser, always both. */
import { deleteCookie, setCookie } from "hono/cookie";
import type { EndReason, SessionView, SignIn, StartedSession } from "../durable-objects/rpc.ts";
import type { Role } from "#protocol/identity.ts";
import type { AppContext, Deps } from "./context.ts";
import { cookieName, cookieScope, SIGNED_OUT } from "./cookies/session-cookie.ts";
import type { VerifiedIdentity } from "./oidc/provider-settings.ts";
import { GatewayError } from "./problem.ts";

/** Every session is in the first; its cookie names it all the same. */
export const SHARD = 0;

/** Longer than the Control UI waits between two tries. */
const SIGNED_OUT_SECONDS = 600;

export type VerifiedSignIn = Omit<SignIn, "kind" | "userAgent" | "clientAddress" | "replaces" | "renews">;

/** @returns what the object is told of somebody whom a provider has vouched for and who may come in */
export function verifiedSignIn(identity: VerifiedIdentity, role: Role): VerifiedSignIn {
  const { provider, issuer, subject, email, name, groups, providerSessionId, refreshToken } = identity;
  return { provider, issuer, subject, email, name, groups, role, providerSessionId, refreshToken };
}

/**
 * A new id at every sign-in; the browser's former session ends with it (no fixation, no leftovers).
 * @param renews a session of the same person that this one goes on with
 * @throws {GatewayError} identity_conflict | other_person | rate_limited | session_revoked
 */
export async function startSession(
  deps: Deps,
  c: AppContext,
  signIn: VerifiedSignIn,
  renews: string | null = null,
): Promise<StartedSession> {
  const { tenant, cookie } = c.var;
  const atConsole = tenant.kind === "console";
  const secure = tenant.publicUrl.protocol === "https:";
  const started = await deps.tenantObject(tenant.id, SHARD).startSession(tenant.call, {
    ...signIn,
    // A console session is short, and is not renewed.
    ...(atConsole ? { kind: "console", refreshToken: null } : { kind: "browser" }),
    userAgent: c.req.header("user-agent") ?? "",
    clientAddress: clientAddress(deps, c),
    replaces: cookie?.reference.session ?? null,
    renews,
  });
  if (!started.ok) throw new GatewayError(started.code);
  const { session, expiresAt } = started.value;
  const seconds = Math.floor(expiresAt / 1000);
  const value = await deps.cookies.seal(cookieScope(tenant), { session, shard: SHARD, expiresAt: seconds });
  setCookie(c, cookieName(cookieScope(tenant), secure), value, {
    httpOnly: true,
    sameSite: "Lax",
    path: "/",
    secure,
    expires: new Date(seconds * 1000),
  });
  // The notice is about chats; there are none at the console.
  return { ...started.value, notice: started.value.notice && !atConsole };
}

export async function endSession(deps: Deps, c: AppContext, reason: EndReason): Promise<void> {
  const { tenant, cookie } = c.var;
  if (cookie === undefined) return;
  const { session, shard } = cookie.reference;
  await deps.tenantObject(tenant.id, shard).endSession(tenant.call, session, reason);
}

/**
 * Leaves the browser a cookie that opens nothing and says that it was signed out here. Without one its other tabs would
 * be strangers, whose sockets are refused in a way that the Control UI takes for a bad line.
 */
export async function markSignedOut(deps: Deps, c: AppContext): Promise<void> {
  const { tenant } = c.var;
  const secure = tenant.publicUrl.protocol === "https:";
  const expiresAt = Math.floor(deps.now() / 1000);
  const value = await deps.cookies.seal(cookieScope(tenant), { session: SIGNED_OUT, shard: SHARD, expiresAt });
  const options = { httpOnly: true, sameSite: "Lax", path: "/", secure } as const;
  setCookie(c, cookieName(cookieScope(tenant), secure), value, { ...options, maxAge: SIGNED_OUT_SECONDS });
}

export function forgetCookie(c: AppContext): void {
  const { tenant } = c.var;
  const secure = tenant.publicUrl.protocol === "https:";
  deleteCookie(c, cookieName(cookieScope(tenant), secure), { path: "/", secure, httpOnly: true, sameSite: "Lax" });
}

/** @throws {GatewayError} unauthenticated | session_expired | session_revoked */
export async function requireSession(deps: Deps, c: AppContext): Promise<SessionView> {
  const { cookie, tenant } = c.var;
  if (cookie?.kind !== "valid") throw new GatewayError("unauthenticated");
  const { shard, session } = cookie.reference;
  const found = await deps.tenantObject(tenant.id, shard).findSession(tenant.call, session);
  if (!found.ok) throw new GatewayError(found.code === "session_unknown" ? "unauthenticated" : found.code);
  return found.value;
}

/** The platform's word in production; a documentation address locally, where OpenClaw refuses loopback ones. */
export function clientAddress(deps: Deps, c: AppContext): string {
  if (deps.config.development) return "192.0.2.1";
  return c.req.header("cf-connecting-ip") ?? "192.0.2.1";
}
