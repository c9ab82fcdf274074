/** One OpenID provider: the code flow from both ends, and nothing else (OpenID Connect Core section 3.1). */
import { decodeJwt } from "jose";
import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  clockTolerance,
  customFetch,
  generateRandomState,
  processAuthorizationCodeResponse,
  refreshTokenGrantRequest,
  processRefreshTokenResponse,
  revocationRequest,
  validateAuthResponse,
  type AuthorizationServer,
  type Client,
  type CustomFetchOptions,
  type TokenEndpointResponse,
} from "oauth4webapi";
import type { Attempt } from "./attempt.ts";
import { authorizationParameters, authorizationUrl } from "./authorization-request.ts";
import { displayName, groupsOf, mergeClaims, verifiedEmail, type Claims } from "./claims.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { findGroupsElsewhere } from "./distributed-claims.ts";
import { allowedAlgorithms, CLOCK_TOLERANCE_SECONDS, verifyIdToken, verifySignature } from "./id-token.ts";
import { verifyLogoutToken, type LogoutToken } from "./logout-token.ts";
import { Metadata, tokenIssuer } from "./metadata.ts";
import { isAllowed } from "./outbound-fetch.ts";
import {
  redirectUri,
  type EndingSession,
  type FormerSignIn,
  type Hints,
  type Provider,
  type ProviderSurroundings,
} from "./provider.ts";
import type { ProviderSettings, VerifiedIdentity } from "./provider-settings.ts";
import { orFail, SignInError } from "./sign-in-error.ts";
import { SigningKeys } from "./signing-keys.ts";
import { fetchUserInfo } from "./userinfo.ts";

/** Answers that mean "not now" or "no" from the person or their administrator (RFC 6749 section 4.1.2.1, Core 3.1.2.6). */
const CANCELLED = new Set(["access_denied", "login_required", "interaction_required", "consent_required"]);

/** What every request of the library is made with, of either method. */
export interface RequestOptions {
  [customFetch]: (
    url: string,
    init: CustomFetchOptions<"GET", undefined> | CustomFetchOptions<"POST", URLSearchParams>,
  ) => Promise<Response>;
  [allowInsecureRequests]: true;
}

export class OpenIdProvider implements Provider {
  readonly settings: ProviderSettings;
  #around: ProviderSurroundings;
  #metadata: Metadata;
  #keys: SigningKeys;
  #client: Client;
  #options: RequestOptions;

  constructor(settings: ProviderSettings, around: ProviderSurroundings) {
    this.settings = settings;
    this.#around = around;
    this.#metadata = new Metadata(settings, around.fetch, around.now);
    this.#keys = new SigningKeys(around.fetch, around.now);
    this.#client = { client_id: settings.clientId, [clockTolerance]: CLOCK_TOLERANCE_SECONDS };
    this.#options = {
      [customFetch]: (url, { method, headers, body }) => around.fetch(url, { method, headers, body: body ?? null }),
      // The outbound policy decides which addresses may be plain http.
      [allowInsecureRequests]: true,
    };
  }

  async authorizationUrl(attempt: Attempt, hints: Hints): Promise<string> {
    const server = await this.#metadata.get();
    const back = redirectUri(this.#around.origin, this.settings.id);
    const parameters = await authorizationParameters(this.settings, attempt, back, hints);
    return authorizationUrl(server, parameters, this.#around.development, {
      client: this.#client,
      authentication: await clientAuthentication(this.settings),
      options: this.#options,
    });
  }

  async finish(callback: URLSearchParams, attempt: Attempt): Promise<VerifiedIdentity> {
    const server = await this.#metadata.get();
    const answer = validateResponse(server, this.#client, callback, attempt.state);
    const authentication = await clientAuthentication(this.settings);
    const back = redirectUri(this.#around.origin, this.settings.id);
    const { codeVerifier, nonce } = attempt;
    const response = await orFail("token_response_bad", () =>
      authorizationCodeGrantRequest(server, this.#client, authentication, answer, back, codeVerifier, this.#options),
    );
    if (response.status >= 400 && response.status < 500) throw new SignInError("code_refused");
    const issued = await this.#narrow(server, response);
    const tokens = await orFail("id_token_claims", () =>
      processAuthorizationCodeResponse(issued, this.#client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
        ...(this.settings.maxAgeSeconds === null ? {} : { maxAge: this.settings.maxAgeSeconds }),
      }),
    );
    return this.#identify(issued, tokens, nonce);
  }

  async refresh(former: FormerSignIn): Promise<VerifiedIdentity> {
    const server = await this.#metadata.get();
    const authentication = await clientAuthentication(this.settings);
    const response = await orFail("token_response_bad", () =>
      refreshTokenGrantRequest(server, this.#client, authentication, former.refreshToken, this.#options),
    );
    if (response.status !== 200) {
      throw new SignInError((await isRefused(response)) ? "code_refused" : "provider_answer_bad");
    }
    const issued = { ...server, issuer: former.issuer };
    const body = await orFail("provider_answer_bad", () => response.clone().json() as Promise<Claims>);
    if (typeof body?.["refresh_token"] === "string") former.rotated?.(body["refresh_token"]);
    const tokens = await orFail("id_token_claims", () => processRefreshTokenResponse(issued, this.#client, response));
    const identity = await this.#identify(issued, tokens, null, former.subject);
    return { ...identity, refreshToken: identity.refreshToken ?? former.refreshToken };
  }

  async verifyLogoutToken(token: string): Promise<LogoutToken> {
    const server = await this.#metadata.get();
    const { settings } = this;
    const tenant = await orFail("logout_token", () => decodeJwt(token)["tid"]);
    const issued = { ...server, issuer: tokenIssuer(settings, server, tenant) };
    const algorithms = allowedAlgorithms(settings, server);
    return verifyLogoutToken(token, algorithms, issued, this.#keys, settings.clientId, this.#around.now());
  }

  async signOutUrl({ email, idToken, returnTo }: EndingSession): Promise<string | null> {
    const server = await this.#metadata.get();
    const url = URL.parse(server.end_session_endpoint ?? "");
    if (url === null || !isAllowed(url, this.#around.development)) return null;
    url.searchParams.set("client_id", this.settings.clientId);
    url.searchParams.set("post_logout_redirect_uri", returnTo);
    // Some providers want one; the page it comes back to looks at none.
    url.searchParams.set("state", generateRandomState());
    if (idToken !== null) url.searchParams.set("id_token_hint", idToken);
    else if (email !== null) url.searchParams.set("logout_hint", email);
    return url.href;
  }

  async revoke(refreshToken: string): Promise<void> {
    try {
      const server = await this.#metadata.get();
      if (server.revocation_endpoint === undefined) return;
      const authentication = await clientAuthentication(this.settings);
      const additionalParameters = { token_type_hint: "refresh_token" };
      const options = { ...this.#options, additionalParameters };
      await revocationRequest(server, this.#client, authentication, refreshToken, options);
    } catch {
      // The token ends by itself; signing out must not wait for a provider.
    }
  }

  /** At Entra's common issuers the token's own tenant names the issuer; verified with everything else afterwards. */
  async #narrow(server: AuthorizationServer, response: Response): Promise<AuthorizationServer> {
    if (this.settings.entraTenants === null) return server;
    const tenant = await orFail("token_response_bad", async () => {
      const { id_token: idToken } = (await response.clone().json()) as { id_token: string };
      return decodeJwt(idToken)["tid"];
    });
    return { ...server, issuer: tokenIssuer(this.settings, server, tenant) };
  }

  /** Everything after the token endpoint: ID token first, and only then anything that uses the access token. */
  async #identify(
    server: AuthorizationServer,
    tokens: TokenEndpointResponse,
    nonce: string | null,
    subject?: string,
  ): Promise<VerifiedIdentity> {
    const { settings } = this;
    const { access_token: accessToken, id_token: idToken = "", refresh_token: refreshToken = null } = tokens;
    const algorithms = allowedAlgorithms(settings, server);
    let claims: Claims & { sub: string };
    if (subject !== undefined && idToken === "") claims = { sub: subject, iss: server.issuer };
    else {
      const { maxAgeSeconds, acrValues, clientId } = settings;
      const expected = { issuer: server.issuer, clientId, nonce, accessToken };
      const fresh = nonce === null ? { maxAgeSeconds: null, acrValues: [] } : { maxAgeSeconds, acrValues };
      const now = this.#around.now();
      claims = await verifyIdToken(idToken, algorithms, server, this.#keys, { ...expected, ...fresh }, now);
    }
    if (subject !== undefined && claims.sub !== subject) throw new SignInError("id_token_claims");
    const verify = (jws: string) => verifySignature(jws, algorithms, server.jwks_uri, this.#keys);
    const fetched = await fetchUserInfo(server, this.#client, accessToken, claims.sub, this.#options, verify);
    const merged = mergeClaims(claims, fetched);
    // At a sign-in, groups that cannot be had are none; open sessions must not end because of an outage.
    const source = { settings, accessToken, fetch: this.#around.fetch, verify, mustAnswer: subject !== undefined };
    const elsewhere = await findGroupsElsewhere(merged, source);
    if (elsewhere !== undefined && settings.groupsClaim !== null) merged[settings.groupsClaim] = elsewhere;
    return {
      provider: settings.id,
      issuer: server.issuer,
      subject: claims.sub,
      email: verifiedEmail(settings, merged),
      name: displayName(merged),
      groups: groupsOf(settings, merged),
      claims: merged,
      providerSessionId: typeof claims["sid"] === "string" ? claims["sid"] : null,
      idToken,
      refreshToken,
    };
  }
}

/**
 * Whether the provider says no to this person or token (RFC 6749 section 5.2, Core section 3.1.2.6). Anything else, an
 * unknown client included, is between it and us, and no reason to end everybody's session at once.
 */
async function isRefused(response: Response): Promise<boolean> {
  if (response.status < 400 || response.status >= 500) return false;
  const body = (await response.json().catch(() => null)) as Claims | null;
  const error = body?.["error"];
  return error === "invalid_grant" || (typeof error === "string" && CANCELLED.has(error));
}

/** State, `iss` (RFC 9207) and the provider's error, in that order: nothing is believed before the first two. */
function validateResponse(server: AuthorizationServer, client: Client, callback: URLSearchParams, state: string) {
  try {
    return validateAuthResponse(server, client, callback, state);
  } catch (cause) {
    if (!(cause instanceof AuthorizationResponseError)) throw new SignInError("response_bad", { cause });
    throw new SignInError(CANCELLED.has(cause.error) ? "response_cancelled" : "response_error", { cause });
  }
}
