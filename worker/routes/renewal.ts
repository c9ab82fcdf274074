/**
 * Silent renewal: after a session has expired, the Control UI loads its probe in a hidden frame. The provider is asked
 * once whether the same person is still signed in there (`prompt=none`, OpenID Connect Core section 3.1.2.1). Every step
 * is a redirect and the end is a small page, because nothing runs and nobody looks in that frame.
 */
import type { AppContext, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { newAttempt, type Attempt } from "../oidc/attempt.ts";
import { keepAttempt } from "../oidc/attempts.ts";
import { findProvider } from "../oidc/find-provider.ts";
import type { SignIn } from "../oidc/oidc-sign-in.ts";
import type { Provider } from "../oidc/provider.ts";
import { keepForSignOut } from "../oidc/keep-for-sign-out.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { renewalPage } from "../pages/renewal-page.ts";
import { GatewayError } from "../problem.ts";
import { forgetRenewal, noteRenewal, readRenewal } from "../renewal-cookie.ts";
import { startSession, verifiedSignIn } from "../session-lifecycle.ts";

/** Sends the frame to the provider, or to its end when there is nothing to try. */
export async function beginRenewal(deps: Deps, signIn: SignIn, c: AppContext): Promise<Response> {
  const { cookie, tenant } = c.var;
  // A page of ours, or of OpenClaw's, asks; from elsewhere the session cookie might come along all the same.
  const asked = c.req.header("sec-fetch-dest") === "iframe" && c.req.header("sec-fetch-site") === "same-origin";
  if (!asked) throw new GatewayError("unauthenticated");
  if (cookie === undefined) return renewalPage("unauthenticated");
  const { session, shard, expiresAt } = cookie.reference;
  if (readRenewal(c, expiresAt) !== undefined) return renewalPage("session_expired");
  const startedAt = deps.now();
  try {
    const former = await deps.tenantObject(tenant.id, shard).findFormerSession(tenant.call, session);
    if (!former.ok) throw new GatewayError("session_expired");
    const provider = findProvider(signIn.providers, former.value.issuer, former.value.provider);
    // Whoever cannot be asked silently would show a page that nobody sees.
    if (provider.settings.kind !== "oidc") throw new SignInError("not_supported");
    const attempt = newAttempt(provider.settings.id, "/", startedAt, session);
    const url = await provider.authorizationUrl(attempt, { loginHint: former.value.email, prompt: "none" });
    await keepAttempt(c, signIn.attempts, attempt);
    noteRenewal(c, expiresAt, { outcome: "begun", startedAt });
    c.header("cache-control", "no-store");
    c.header("referrer-policy", "no-referrer");
    return c.redirect(url, 302);
  } catch (error) {
    return failRenewal(deps, c, startedAt, error);
  }
}

/** Checks who came back: the same person gets a new session, anybody else nothing. */
export async function finishRenewal(
  deps: Deps,
  signIn: SignIn,
  provider: Provider,
  c: AppContext,
  attempt: Attempt,
): Promise<Response> {
  try {
    // Somebody signed in here meanwhile; that session is not this one's to replace.
    if (c.var.cookie?.reference.session !== attempt.renews) throw new GatewayError("session_expired");
    const identity = await provider.finish(new URL(c.req.raw.url).searchParams, attempt);
    try {
      const decision = signIn.decide(identity);
      if (!decision.allow) throw new GatewayError("not_allowed");
      const { session } = await startSession(deps, c, verifiedSignIn(identity, decision.role), attempt.renews);
      await keepForSignOut(c, signIn, session, identity);
    } catch (error) {
      // Nobody keeps what was not let in.
      if (identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
      throw error;
    }
    forgetRenewal(c);
    return withCookies(c, await renewalPage(null));
  } catch (error) {
    return failRenewal(deps, c, attempt.startedAt, error);
  }
}

async function failRenewal(deps: Deps, c: AppContext, startedAt: number, error: unknown): Promise<Response> {
  if (!(error instanceof GatewayError)) throw error;
  const reason = error instanceof SignInError ? error.reason : error.code;
  deps.log({ event: "renewal.failed", request_id: c.var.requestId, reason });
  const { cookie } = c.var;
  if (cookie !== undefined) {
    const outcome = error.code === "other_person" ? "other-person" : "failed";
    noteRenewal(c, cookie.reference.expiresAt, { outcome, startedAt });
  }
  return withCookies(c, await renewalPage(error.code));
}
