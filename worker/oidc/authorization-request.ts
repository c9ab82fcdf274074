/** The authorization request (RFC 6749 section 4.1.1, RFC 7636), pushed when the provider takes it (RFC 9126). */
import {
  calculatePKCECodeChallenge,
  processPushedAuthorizationResponse,
  pushedAuthorizationRequest,
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  type HttpRequestOptions,
} from "oauth4webapi";
import type { Attempt } from "./attempt.ts";
import { isAllowed } from "./outbound-fetch.ts";
import type { Hints } from "./provider.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

const MAX_HINT_CHARACTERS = 254;

export async function authorizationParameters(
  settings: ProviderSettings,
  attempt: Attempt,
  redirectUri: string,
  hints: Hints,
): Promise<URLSearchParams> {
  const { clientId, scopes, acrValues, maxAgeSeconds } = settings;
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: scopes.join(" "),
    state: attempt.state,
    code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: "S256",
  });
  const prompt = hints.prompt ?? settings.prompt;
  if (settings.kind === "oidc") {
    parameters.set("nonce", attempt.nonce);
    if (acrValues.length > 0) parameters.set("acr_values", acrValues.join(" "));
    if (maxAgeSeconds !== null) parameters.set("max_age", String(maxAgeSeconds));
  }
  if (prompt !== null) parameters.set("prompt", prompt);
  const { loginHint } = hints;
  if (loginHint !== null && loginHint.length <= MAX_HINT_CHARACTERS) {
    parameters.set(settings.kind === "oidc" ? "login_hint" : "login", loginHint);
  }
  return parameters;
}

/** @returns the address for the browser. @throws {SignInError} metadata_unusable | provider_* */
export async function authorizationUrl(
  server: AuthorizationServer,
  parameters: URLSearchParams,
  development: boolean,
  pushed?: { client: Client; authentication: ClientAuth; options: HttpRequestOptions<"POST", URLSearchParams> },
): Promise<string> {
  const url = URL.parse(server.authorization_endpoint ?? "");
  if (url === null || !isAllowed(url, development)) throw new SignInError("metadata_unusable");
  url.hash = "";
  let visible = parameters;
  if (pushed !== undefined && server.pushed_authorization_request_endpoint !== undefined) {
    const { client, authentication, options } = pushed;
    const { request_uri: reference } = await orFail("provider_answer_bad", async () => {
      const response = await pushedAuthorizationRequest(server, client, authentication, parameters, options);
      return processPushedAuthorizationResponse(server, client, response);
    });
    visible = new URLSearchParams({ client_id: client.client_id, request_uri: reference });
  }
  for (const [name, value] of visible) url.searchParams.set(name, value);
  return url.href;
}
