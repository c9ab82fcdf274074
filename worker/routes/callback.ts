/** `/_gate/callback/<provider>`: every check in its order; the object hears of nobody before the last one. */
import { Hono } from "hono";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { refusal } from "../middleware/on-error.ts";
import { takeAttempt } from "../oidc/attempts.ts";
import type { SignIn } from "../oidc/oidc-sign-in.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { deniedPage } from "../pages/sign-in-pages.ts";
import { startSession } from "../session-lifecycle.ts";
import { GatewayError } from "../problem.ts";

export function callbackRoutes(deps: Deps, signIn: SignIn): Hono<AppEnv> {
  const callback = new Hono<AppEnv>();
  callback.get("/:provider", async (c) => {
    try {
      return await finish(deps, signIn, c);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const reason = error instanceof SignInError ? error.reason : error.code;
      const provider = signIn.providers.find(({ settings }) => settings.id === c.req.param("provider"));
      const { requestId } = c.var;
      deps.log({ event: "login.failed", request_id: requestId, provider: provider?.settings.id ?? "", reason });
      return withCookies(c, await refusal(deps, c, error.code));
    }
  });
  return callback;
}

async function finish(deps: Deps, signIn: SignIn, c: AppContext): Promise<Response> {
  if (c.req.method !== "GET") throw new GatewayError("method_not_allowed");
  const provider = signIn.providers.find(({ settings }) => settings.id === c.req.param("provider"));
  if (provider === undefined) throw new SignInError("unknown_provider");
  const { label, id } = provider.settings;
  const parameters = new URL(c.req.raw.url).searchParams;
  const attempt = await takeAttempt(c, signIn.attempts, id, parameters.get("state") ?? undefined);
  const identity = await provider.finish(parameters, attempt);
  const admitted = signIn.admit(identity);
  if (admitted === null) {
    // Nobody keeps what was not let in.
    if (identity.refreshToken !== null) await provider.revoke(identity.refreshToken);
    deps.log({ event: "login.failed", request_id: c.var.requestId, provider: id, reason: "not_allowed" });
    const person = identity.email ?? identity.name;
    return withCookies(c, await deniedPage(deps.config, { person, label, provider: id }));
  }
  const { issuer, subject, email, name, groups, providerSessionId } = identity;
  const { role } = admitted;
  await startSession(deps, c, { issuer, subject, email, name, groups, role, providerSessionId });
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(attempt.next, 303);
}
