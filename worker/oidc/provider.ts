/** What sign-in needs from a provider, whatever it speaks. */
import type { Attempt } from "./attempt.ts";
import { GitHubProvider } from "./github-provider.ts";
import type { LogoutToken } from "./logout-token.ts";
import { OpenIdProvider } from "./openid-provider.ts";
import type { OutboundFetch } from "./outbound-fetch.ts";
import type { ProviderSettings, VerifiedIdentity } from "./provider-settings.ts";

export interface Hints {
  /** Whom the person said they are; a convenience, never believed. */
  loginHint: string | null;
  /** Goes before the configured one: switching accounts asks for it, and a silent renewal for `none`. */
  prompt: "none" | "login" | "select_account" | null;
}

export interface Provider {
  readonly settings: ProviderSettings;
  /** @returns where to send the browser. @throws {SignInError} */
  authorizationUrl(attempt: Attempt, hints: Hints): Promise<string>;
  /** Checks the callback, exchanges the code and verifies who came back. @throws {SignInError} */
  finish(callback: URLSearchParams, attempt: Attempt): Promise<VerifiedIdentity>;
  /** @returns where the browser ends its session at the provider, or null where there is no such address */
  signOutUrl(session: EndingSession): Promise<string | null>;
  /**
   * Renews a sign-in with its refresh token; the token to keep from now on is in the answer (rotation).
   * @throws {SignInError} also when the provider now speaks of somebody else (OpenID Connect Core section 12.2)
   */
  refresh(former: FormerSignIn): Promise<VerifiedIdentity>;
  /** Checks a back-channel logout token. @throws {SignInError} */
  verifyLogoutToken(token: string): Promise<LogoutToken>;
  /** Tells the provider that a refresh token is not needed any more (RFC 7009); best effort, never throws. */
  revoke(refreshToken: string): Promise<void>;
}

export interface EndingSession {
  email: string | null;
  /** Of the sign-in, where it could be kept. */
  idToken: string | null;
  /** A page of ours that believes nothing it is told. */
  returnTo: string;
}

export interface FormerSignIn {
  /** Id of the provider that it was made with. */
  provider: string;
  issuer: string;
  subject: string;
  refreshToken: string;
  /** Hears of a token that takes the former one's place as soon as it is there, whatever becomes of the rest. */
  rotated?: (refreshToken: string) => void;
}

export interface ProviderSurroundings {
  /** Scheme, host and port of the gateway. */
  origin: string;
  development: boolean;
  fetch: OutboundFetch;
  now: () => number;
}

export function openProvider(settings: ProviderSettings, around: ProviderSurroundings): Provider {
  return settings.kind === "github" ? new GitHubProvider(settings, around) : new OpenIdProvider(settings, around);
}

/** One per provider, so that an answer cannot be carried from one to another (RFC 9700 section 4.4). */
export function redirectUri(origin: string, provider: string): string {
  return `${origin}/_gate/callback/${provider}`;
}
