/** OpenID Connect sign-in as one adapter: which providers there are, and the routes that lead to them and back. */
import { decodeJwt } from "jose";
import type { Deps, SignInAdapter } from "../context.ts";
import { callbackRoutes } from "../routes/callback.ts";
import { loginRoutes } from "../routes/login.ts";
import { AttemptCookies } from "./attempt-cookie.ts";
import type { AttemptKeeping } from "./attempts.ts";
import { outboundFetch } from "./outbound-fetch.ts";
import { openProvider, type Provider } from "./provider.ts";
import type { Admit, ProviderSettings } from "./provider-settings.ts";
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
}

export function oidcSignIn(settings: OidcSettings): Deps["signIn"] {
  return function oidcSignIn(deps: Deps): SignInAdapter {
    const { now } = deps;
    const { publicUrl, development, sessionSecrets } = deps.config;
    const policy = settings.fetch === undefined ? { development } : { development, fetch: settings.fetch };
    const around = { origin: publicUrl.origin, development, fetch: outboundFetch(policy), now };
    const providers = settings.providers.map((provider) => openProvider(provider, around));
    const cookies = new AttemptCookies(sessionSecrets);
    const attempts = { cookies, secure: publicUrl.protocol === "https:", now };
    const signIn: SignIn = { providers, admit: settings.admit, attempts };
    return {
      login: loginRoutes(deps, signIn),
      callback: callbackRoutes(deps, signIn),
      async signOutUrl({ issuer, email }) {
        try {
          const provider = find(providers, issuer);
          return await provider.signOutUrl({ email, returnTo: `${publicUrl.origin}/_gate/signed-out` });
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
