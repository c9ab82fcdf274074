/** `/_gate/callback/<provider>`: every check in its order; the object hears of nobody before the last one. */
import { Hono } from "hono";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { takeAttempt } from "../oidc/attempts.ts";
import type { SignIn, SignInOf } from "../oidc/oidc-sign-in.ts";
import type { Provider } from "../oidc/provider.ts";
import { keepFrontChannel } from "../oidc/front-channel-cookie.ts";
import { keepHint } from "../oidc/sign-out-hint.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { deniedPage } from "../pages/sign-in-pages.ts";
import { SHARD, startSession } from "../session-lifecycle.ts";
import { GatewayError } from "../problem.ts";
import { signInFailure } from "./sign-in-failure.ts";

export function callbackRoutes(deps: Deps, signInOf: SignInOf): Hono<AppEnv> {
  const callback = new Hono<AppEnv>();
  callback.get("/:provider", async (c) => {
    const signIn = signInOf(c.var.tenant);
    const provider = signIn.providers.find(({ settings }) => settings.id === c.req.param("provider"));
    try {
      if (provider === undefined) throw new SignInError("unknown_provider");
      return await finish(deps, signIn, provider, c);
    } catch (error) {
      return signInFailure(deps, c, provider?.settings.id ?? "", error);
    }
  });
  return callback;
}

async function finish(deps: Deps, signIn: SignIn, provider: Provider, c: AppContext): Promise<Response> {
  if (c.req.method !== "GET") throw new GatewayError("method_not_allowed");
  const { label, id } = provider.settings;
  const parameters = new URL(c.req.raw.url).searchParams;
  const attempt = await takeAttempt(c, signIn.attempts, id, parameters.get("state") ?? undefined);
  const identity = await provider.finish(parameters, attempt);
  const decision = signIn.decide(identity);
  if (!decision.allow) {
    // Nobody keeps what was not let in.
    if (identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
    deps.log({ event: "login.failed", request_id: c.var.requestId, provider: id, reason: decision.reason });
    const person = identity.email ?? identity.name;
    return withCookies(c, await deniedPage(c.var.tenant, { person, label, provider: id, reason: decision.reason }));
  }
  const { issuer, subject, email, name, groups, providerSessionId, refreshToken } = identity;
  const about = { provider: id, issuer, subject, email, name, groups, role: decision.role };
  const session = await startSession(deps, c, { ...about, providerSessionId, refreshToken }).catch(async (error) => {
    if (refreshToken !== null) await provider.revoke(refreshToken);
    throw error;
  });
  await keepHint(c, signIn.hints, { session, idToken: identity.idToken });
  if (providerSessionId !== null) {
    await keepFrontChannel(c, signIn.frontChannel, { session, shard: SHARD, issuer, providerSessionId });
  }
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(attempt.next, 303);
}
