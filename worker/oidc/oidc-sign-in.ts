/** OpenID Connect sign-in as one adapter: which providers there are, and the routes that lead to them and back. */
import { decodeJwt } from "jose";
import type { Deps, SignInAdapter } from "../context.ts";
import { callbackRoutes } from "../routes/callback.ts";
import { loginRoutes } from "../routes/login.ts";
import { SealedCookies } from "../cookies/sealed-cookies.ts";
import type { Attempt } from "./attempt.ts";
import type { AttemptKeeping } from "./attempts.ts";
import { outboundFetch } from "./outbound-fetch.ts";
import { openProvider, type Provider } from "./provider.ts";
import type { Admit, ProviderSettings } from "./provider-settings.ts";
import { takeHint, type HintKeeping, type SignOutHint } from "./sign-out-hint.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

export interface OidcSettings {
  providers: ProviderSettings[];
  admit: Admit;
  /** Instead of the platform's; the outbound policy applies all the same. */
  fetch?: typeof fetch;
}

/** What the routes share. */
export interface SignIn {
  providers: Provider[];
  admit: Admit;
  attempts: AttemptKeeping;
  hints: HintKeeping;
}

export function oidcSignIn(settings: OidcSettings): Deps["signIn"] {
  return function oidcSignIn(deps: Deps): SignInAdapter {
    const { now } = deps;
    const { publicUrl, development, sessionSecrets } = deps.config;
    const policy = settings.fetch === undefined ? { development } : { development, fetch: settings.fetch };
    const around = { origin: publicUrl.origin, development, fetch: outboundFetch(policy), now };
    const providers = settings.providers.map((provider) => openProvider(provider, around));
    const secure = publicUrl.protocol === "https:";
    const attempts = { cookies: new SealedCookies<Attempt>(sessionSecrets, "attempt-cookie"), secure, now };
    const hints = { cookies: new SealedCookies<SignOutHint>(sessionSecrets, "sign-out-hint"), secure };
    const signIn: SignIn = { providers, admit: settings.admit, attempts, hints };
    return {
      login: loginRoutes(deps, signIn),
      callback: callbackRoutes(deps, signIn),
      async signOutUrl({ issuer, email }, c) {
        const idToken = await takeHint(c, hints);
        try {
          const returnTo = `${publicUrl.origin}/_gate/signed-out`;
          return await find(providers, issuer).signOutUrl({ email, idToken, returnTo });
        } catch (error) {
          // The session here is over in any case.
          if (error instanceof SignInError) return null;
          throw error;
        }
      },
      async renew(former) {
        const identity = await find(providers, former.issuer).refresh(former);
        return { identity, role: settings.admit(identity)?.role ?? null };
      },
      async revoke(issuer, refreshToken) {
        await providers.find((one) => hasIssuer(one, issuer))?.revoke(refreshToken);
      },
      async verifyLogoutToken(token) {
        // Only to find whom to ask; nothing of it is believed before that provider has verified it.
        const { iss } = await orFail("logout_token", () => decodeJwt(token));
        return find(providers, iss ?? "").verifyLogoutToken(token);
      },
    };
  };
}

/** @throws {SignInError} unknown_provider */
function find(providers: Provider[], issuer: string): Provider {
  const found = providers.find((one) => hasIssuer(one, issuer));
  if (found === undefined) throw new SignInError("unknown_provider");
  return found;
}

/** Entra's common issuers stand for one per listed tenant. */
function hasIssuer({ settings }: Provider, issuer: string): boolean {
  if (settings.issuer === issuer) return true;
  const tenants = settings.entraTenants ?? [];
  return tenants.some(
    (tenant) => issuer === settings.issuer.replace(/\/(common|organizations|consumers)\//, `/${tenant}/`),
  );
}
