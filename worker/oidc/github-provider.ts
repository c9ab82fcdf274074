/** GitHub: OAuth 2 with a user API instead of OpenID Connect, so the person is whoever the API says over TLS. */
import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  customFetch,
  processAuthorizationCodeResponse,
  validateAuthResponse,
  type AuthorizationServer,
  type Client,
} from "oauth4webapi";
import type { Attempt } from "./attempt.ts";
import { authorizationParameters, authorizationUrl } from "./authorization-request.ts";
import { displayName, groupsOf, verifiedEmail, type Claims } from "./claims.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { redirectUri, type Hints, type Provider, type ProviderSurroundings } from "./provider.ts";
import type { ProviderSettings, VerifiedIdentity } from "./provider-settings.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

/** GitHub answers nobody without a name. */
const USER_AGENT = "tidegate";
const MAX_ORGANISATIONS = 100;

export class GitHubProvider implements Provider {
  readonly settings: ProviderSettings;
  #around: ProviderSurroundings;
  #server: AuthorizationServer;
  #api: string;
  #client: Client;

  constructor(settings: ProviderSettings, around: ProviderSurroundings) {
    const base = settings.issuer.replace(/\/$/, "");
    this.settings = settings;
    this.#around = around;
    // GitHub has no metadata to discover; Enterprise servers keep the API under their own host.
    this.#server = {
      issuer: settings.issuer,
      authorization_endpoint: `${base}/login/oauth/authorize`,
      token_endpoint: `${base}/login/oauth/access_token`,
    };
    this.#api = base === "https://github.com" ? "https://api.github.com" : `${base}/api/v3`;
    this.#client = { client_id: settings.clientId };
  }

  async authorizationUrl(attempt: Attempt, hints: Hints): Promise<string> {
    const back = redirectUri(this.#around.origin, this.settings.id);
    const parameters = await authorizationParameters(this.settings, attempt, back, hints);
    return authorizationUrl(this.#server, parameters, this.#around.development);
  }

  async finish(callback: URLSearchParams, attempt: Attempt): Promise<VerifiedIdentity> {
    const accessToken = await this.#exchange(callback, attempt);
    const user = await this.#get<Claims>("/user", accessToken);
    // The number stays when the login is renamed or taken over by somebody else.
    const { id } = user;
    if (typeof id !== "number" || !Number.isSafeInteger(id)) throw new SignInError("user_api_failed");
    const emails = await this.#get<unknown>("/user/emails", accessToken).catch(() => []);
    const primary = (Array.isArray(emails) ? (emails as Claims[]) : []).find(
      (email) => email?.["primary"] === true && email["verified"] === true,
    );
    const { settings } = this;
    const claims: Claims = { sub: String(id), login: user["login"], name: user["name"] ?? user["login"] };
    if (primary !== undefined) Object.assign(claims, { email: primary["email"], email_verified: true });
    if (settings.groupsClaim !== null) claims[settings.groupsClaim] = await this.#organisations(accessToken);
    return {
      provider: settings.id,
      issuer: settings.issuer,
      subject: String(id),
      email: verifiedEmail(settings, claims),
      name: displayName(claims),
      groups: groupsOf(settings, claims),
      claims,
      providerSessionId: null,
      idToken: "",
      refreshToken: null,
    };
  }

  /** GitHub has no sign-out address. */
  async signOutUrl(): Promise<null> {
    return null;
  }

  async refresh(): Promise<never> {
    throw new SignInError("not_supported");
  }

  async verifyLogoutToken(): Promise<never> {
    throw new SignInError("not_supported");
  }

  async revoke(): Promise<void> {
    // No refresh token is ever kept.
  }

  async #exchange(callback: URLSearchParams, attempt: Attempt): Promise<string> {
    const { fetch, origin } = this.#around;
    let answer: URLSearchParams;
    try {
      answer = validateAuthResponse(this.#server, this.#client, callback, attempt.state);
    } catch (cause) {
      if (!(cause instanceof AuthorizationResponseError)) throw new SignInError("response_bad", { cause });
      throw new SignInError(cause.error === "access_denied" ? "response_cancelled" : "response_error", { cause });
    }
    const back = redirectUri(origin, this.settings.id);
    const authentication = await clientAuthentication(this.settings);
    const options = {
      [customFetch]: (url: string, init: { method: string; headers: Record<string, string>; body?: URLSearchParams }) =>
        fetch(url, { method: init.method, headers: init.headers, body: init.body ?? null }),
      [allowInsecureRequests]: true,
    };
    // Refusals come with status 200 and no access token.
    const tokens = await orFail("code_refused", async () => {
      const { codeVerifier } = attempt;
      const [server, client] = [this.#server, this.#client];
      const response = await authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        answer,
        back,
        codeVerifier,
        options,
      );
      return processAuthorizationCodeResponse(server, client, response);
    });
    return tokens.access_token;
  }

  async #organisations(accessToken: string): Promise<string[]> {
    const list = await this.#get<unknown>(`/user/orgs?per_page=${MAX_ORGANISATIONS}`, accessToken).catch(() => []);
    return (Array.isArray(list) ? (list as Claims[]) : []).map((entry) => String(entry?.["login"] ?? ""));
  }

  async #get<T>(path: string, accessToken: string): Promise<T> {
    const headers = {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${accessToken}`,
      "user-agent": USER_AGENT,
      "x-github-api-version": "2022-11-28",
    };
    const response = await this.#around.fetch(`${this.#api}${path}`, { headers });
    if (response.status !== 200) throw new SignInError("user_api_failed");
    return orFail("user_api_failed", () => response.json() as Promise<T>);
  }
}
