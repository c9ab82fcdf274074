/** `/_gate/login`: which provider, then straight there. Also where another site may ask for a sign-in (Core section 4). */
import { Hono } from "hono";
import { GATE_PREFIX } from "#protocol/version.ts";
import { rawTarget } from "#protocol/request-target.ts";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { isFramed, returnTarget } from "../not-signed-in.ts";
import { newAttempt } from "../oidc/attempt.ts";
import { keepAttempt } from "../oidc/attempts.ts";
import type { SignIn, SignInOf } from "../oidc/oidc-sign-in.ts";
import type { Provider } from "../oidc/provider.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { chooserPage, onwardPage } from "../pages/sign-in-pages.ts";
import { GatewayError } from "../problem.ts";
import { readRenewal } from "../renewal-cookie.ts";
import { beginRenewal } from "./renewal.ts";
import { signInFailure } from "./sign-in-failure.ts";

export function loginRoutes(deps: Deps, signInOf: SignInOf): Hono<AppEnv> {
  const login = new Hono<AppEnv>();
  login.get("/", async (c) => {
    // A script cannot follow to another site; a page's own fetch must hear that it needs a sign-in.
    const mode = c.req.header("sec-fetch-mode");
    if (c.req.method !== "GET" || (mode !== undefined && mode !== "navigate") || isFramed(c.req.raw.headers))
      throw new GatewayError("unauthenticated");
    const signIn = signInOf(c.var.tenant);
    const hint = c.req.query("login_hint")?.trim() || null;
    const next = wantedTarget(c);
    const provider = choose(signIn.providers, c.req.query("provider"), c.req.query("iss"), hint);
    if (provider === undefined) {
      const choices = signIn.providers.map(({ settings }) => ({
        label: settings.label,
        href: `${GATE_PREFIX}/login?${new URLSearchParams({ provider: settings.id, next })}`,
      }));
      const byDomain = signIn.providers.some(({ settings }) => settings.emailDomains !== null);
      return chooserPage(c.var.tenant.name, choices, { byDomain, unknown: hint !== null, next });
    }
    try {
      return await depart(signIn, provider, c, { next, hint });
    } catch (error) {
      return signInFailure(deps, c, provider.settings.id, error, next);
    }
  });
  login.get("/renewal", (c) => beginRenewal(deps, signInOf(c.var.tenant), c));
  login.get("/by-email", (c) => {
    const { login_hint: hint = "", next } = c.req.query();
    const query = new URLSearchParams({ login_hint: hint.slice(0, 254), next: returnTarget(next) });
    return onwardPage(c.var.tenant.name, `${GATE_PREFIX}/login?${query}`);
  });
  return login;
}

async function depart(
  signIn: SignIn,
  provider: Provider,
  c: AppContext,
  wanted: { next: string; hint: string | null },
) {
  const attempt = newAttempt(provider.settings.id, wanted.next, signIn.attempts.now());
  const asked = otherPersonCame(c) ? "login" : c.req.query("prompt");
  const prompt = asked === "login" || asked === "select_account" ? asked : null;
  const url = await provider.authorizationUrl(attempt, { loginHint: wanted.hint, prompt });
  // Only now: a provider that is down leaves no cookie behind.
  await keepAttempt(c, signIn.attempts, attempt);
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(url, 302);
}

/** The provider knows somebody else than the page that wants to go on: only they can say which of the two. */
function otherPersonCame(c: AppContext): boolean {
  const { cookie } = c.var;
  return cookie !== undefined && readRenewal(c, cookie.reference.expiresAt)?.outcome === "other-person";
}

/** @throws {SignInError} unknown_provider when one is named that is not ours: never the next best instead */
function choose(
  providers: Provider[],
  id: string | undefined,
  issuer: string | undefined,
  hint: string | null,
): Provider | undefined {
  if (id !== undefined || issuer !== undefined) {
    const named = providers.filter(
      ({ settings }) => (id ?? settings.id) === settings.id && (issuer ?? settings.issuer) === settings.issuer,
    );
    if (named[0] === undefined) throw new SignInError("unknown_provider");
    return named[0];
  }
  if (providers.length === 1) return providers[0];
  const domain = hint?.toLowerCase().split("@").at(-1);
  const speaking = providers.filter(({ settings }) =>
    settings.emailDomains?.some((own) => own.toLowerCase() === domain),
  );
  return hint?.includes("@") && speaking.length === 1 ? speaking[0] : undefined;
}

/** `next` is ours; `target_link_uri` comes from other sites and counts only on our own origin (Core section 4). */
function wantedTarget(c: AppContext): string {
  const link = c.req.query("target_link_uri");
  if (link === undefined) return returnTarget(c.req.query("next"));
  return URL.parse(link)?.host === c.req.header("host") ? returnTarget(rawTarget(link)) : "/";
}
