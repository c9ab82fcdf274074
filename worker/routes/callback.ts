/** `/_gate/callback/<provider>`: every check in its order; the object hears of nobody before the last one. */
import { Hono } from "hono";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { isOver, type Attempt } from "../oidc/attempt.ts";
import { takeAttempt } from "../oidc/attempts.ts";
import type { SignIn, SignInOf } from "../oidc/oidc-sign-in.ts";
import type { Provider } from "../oidc/provider.ts";
import { keepForSignOut } from "../oidc/keep-for-sign-out.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { deniedPage } from "../pages/sign-in-pages.ts";
import { GatewayError } from "../problem.ts";
import { forgetRenewal } from "../renewal-cookie.ts";
import { startSession, verifiedSignIn } from "../session-lifecycle.ts";
import { finishRenewal } from "./renewal.ts";
import { signInFailure } from "./sign-in-failure.ts";
import { landing } from "./welcome.ts";

export function callbackRoutes(deps: Deps, signInOf: SignInOf): Hono<AppEnv> {
  const callback = new Hono<AppEnv>();
  callback.get("/:provider", async (c) => {
    const signIn = signInOf(c.var.tenant);
    const provider = signIn.providers.find(({ settings }) => settings.id === c.req.param("provider"));
    let attempt: Attempt | undefined;
    try {
      if (provider === undefined) throw new SignInError("unknown_provider");
      if (c.req.method !== "GET") throw new GatewayError("method_not_allowed");
      attempt = await takeAttempt(c, signIn.attempts, provider.settings.id, c.req.query("state"));
      if (isOver(attempt, signIn.attempts.now())) throw new SignInError("attempt_expired");
      if (attempt.renews !== null) return await finishRenewal(deps, signIn, provider, c, attempt);
      return await finish(deps, signIn, provider, c, attempt);
    } catch (error) {
      return signInFailure(deps, c, provider?.settings.id ?? "", error, attempt?.next);
    }
  });
  return callback;
}

async function finish(
  deps: Deps,
  signIn: SignIn,
  provider: Provider,
  c: AppContext,
  attempt: Attempt,
): Promise<Response> {
  const { label, id } = provider.settings;
  const identity = await provider.finish(new URL(c.req.raw.url).searchParams, attempt);
  const decision = signIn.decide(identity);
  if (!decision.allow) {
    // Nobody keeps what was not let in.
    if (identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
    deps.log({ event: "login.failed", request_id: c.var.requestId, provider: id, reason: decision.reason });
    const person = identity.email ?? identity.name;
    return withCookies(c, await deniedPage(c.var.tenant, { person, label, provider: id, reason: decision.reason }));
  }
  const { session, notice } = await startSession(deps, c, verifiedSignIn(identity, decision.role)).catch(
    async (error) => {
      if (identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
      throw error;
    },
  );
  await keepForSignOut(c, signIn, session, identity);
  // Nobody keeps what nothing is done with.
  if (c.var.tenant.kind === "console" && identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
  forgetRenewal(c);
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(landing(attempt.next, notice), 303);
}
