/** OpenID Connect sign-in as one adapter: which providers a tenant has, and the routes that lead to them and back. */
import { decodeJwt } from "jose";
import { decideAccess, type AccessDecision } from "../access/decide-access.ts";
import type { Tenant } from "../config/tenant.ts";
import type { Deps, SignInAdapter } from "../context.ts";
import { callbackRoutes } from "../routes/callback.ts";
import { loginRoutes } from "../routes/login.ts";
import { SealedCookies } from "../cookies/sealed-cookies.ts";
import type { Attempt } from "./attempt.ts";
import type { AttemptKeeping } from "./attempts.ts";
import { findProvider, hasIssuer } from "./find-provider.ts";
import { takeFrontChannel, type FrontChannelKeeping, type FrontChannelSession } from "./front-channel-cookie.ts";
import { outboundFetch } from "./outbound-fetch.ts";
import { openProvider, type Provider } from "./provider.ts";
import type { ProviderSettings, VerifiedIdentity } from "./provider-settings.ts";
import { takeHint, type HintKeeping, type SignOutHint } from "./sign-out-hint.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

type Decide = (identity: VerifiedIdentity) => AccessDecision;

/** What stands in for the tenant's own word or for the platform: tests, and the relying party alone. */
export interface OidcOptions {
  providers?: readonly ProviderSettings[];
  decide?: Decide;
  /** The outbound policy applies all the same. */
  fetch?: typeof fetch;
}

/** What the routes share, for one tenant under one host. */
export interface SignIn {
  providers: Provider[];
  /** Who may come in, and as what. */
  decide: Decide;
  attempts: AttemptKeeping;
  hints: HintKeeping;
  frontChannel: FrontChannelKeeping;
}

export type SignInOf = (tenant: Tenant) => SignIn;

export function oidcSignIn(options: OidcOptions = {}): Deps["signIn"] {
  return function oidcSignIn(deps: Deps): SignInAdapter {
    const signInOf = signInPerTenant(options, deps);
    return {
      login: loginRoutes(deps, signInOf),
      callback: callbackRoutes(deps, signInOf),
      async signOutUrl({ provider, issuer, email }, c) {
        const { tenant } = c.var;
        const signIn = signInOf(tenant);
        const idToken = await takeHint(c, signIn.hints);
        try {
          const returnTo = `${tenant.publicUrl.origin}/_gate/signed-out`;
          return await findProvider(signIn.providers, issuer, provider).signOutUrl({ email, idToken, returnTo });
        } catch (error) {
          // The session here is over in any case.
          if (error instanceof SignInError) return null;
          throw error;
        }
      },
      async renew(tenant, former) {
        const signIn = signInOf(tenant);
        const identity = await findProvider(signIn.providers, former.issuer, former.provider).refresh(former);
        const decision = signIn.decide(identity);
        return { identity, role: decision.allow ? decision.role : null };
      },
      async revoke(tenant, { provider, issuer, refreshToken }) {
        await signInOf(tenant)
          .providers.find((one) => one.settings.id === provider && hasIssuer(one, issuer))
          ?.revoke(refreshToken);
      },
      async verifyLogoutToken(tenant, token) {
        // Only to find whom to ask; nothing of it is believed before that provider has verified it.
        const { iss, aud } = await orFail("logout_token", () => decodeJwt(token));
        const sameIssuer = signInOf(tenant).providers.filter((one) => hasIssuer(one, iss ?? ""));
        const named = sameIssuer.find(({ settings }) => [aud].flat().includes(settings.clientId)) ?? sameIssuer[0];
        if (named === undefined) throw new SignInError("unknown_provider");
        return named.verifyLogoutToken(token);
      },
      async frontchannelSession(c, named) {
        const signIn = signInOf(c.var.tenant);
        if (!signIn.providers.some((one) => hasIssuer(one, named.issuer))) throw new SignInError("unknown_provider");
        return takeFrontChannel(c, signIn.frontChannel, named);
      },
    };
  };
}

/** Opened at the first sign-in and kept: a provider remembers its metadata and keys. */
function signInPerTenant(options: OidcOptions, { config, now }: Deps): SignInOf {
  const { development, sessionSecrets } = config;
  const policy = options.fetch === undefined ? { development } : { development, fetch: options.fetch };
  const fetch = outboundFetch(policy);
  const attemptCookies = new SealedCookies<Attempt>(sessionSecrets, "attempt-cookie");
  const hintCookies = new SealedCookies<SignOutHint>(sessionSecrets, "sign-out-hint");
  const frontChannelCookies = new SealedCookies<FrontChannelSession>(sessionSecrets, "front-channel");
  const opened = new WeakMap<Tenant, SignIn>();
  return function signInOf(tenant) {
    const known = opened.get(tenant);
    if (known !== undefined) return known;
    const { origin, protocol } = tenant.publicUrl;
    const secure = protocol === "https:";
    const settings = options.providers ?? tenant.providers;
    const made: SignIn = {
      providers: settings.map((provider) => openProvider(provider, { origin, development, fetch, now })),
      decide: options.decide ?? ((identity) => decideAccess(tenant.access, identity)),
      attempts: { cookies: attemptCookies, secure, now },
      hints: { cookies: hintCookies, secure },
      frontChannel: { cookies: frontChannelCookies, secure },
    };
    opened.set(tenant, made);
    return made;
  };
}
