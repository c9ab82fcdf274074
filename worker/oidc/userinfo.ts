/** UserInfo (OpenID Connect Core section 5.3): always asked where there is one, believed only about the same person. */
import {
  processUserInfoResponse,
  skipSubjectCheck,
  userInfoRequest,
  type AuthorizationServer,
  type Client,
  type HttpRequestOptions,
} from "oauth4webapi";
import type { Claims } from "./claims.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

/**
 * @returns its claims; none where the provider has no such endpoint
 * @throws {SignInError} userinfo_failed | userinfo_subject | userinfo_signature | provider_*
 */
export async function fetchUserInfo(
  server: AuthorizationServer,
  client: Client,
  accessToken: string,
  subject: string,
  options: HttpRequestOptions<"GET">,
  verify: (jws: string) => Promise<unknown>,
): Promise<Claims> {
  if (server.userinfo_endpoint === undefined) return {};
  const response = await orFail("userinfo_failed", () => userInfoRequest(server, client, accessToken, options));
  if (response.status >= 500 || response.status === 429) throw new SignInError("provider_answer_bad");
  const type = response.headers.get("content-type") ?? "";
  const signed = type.startsWith("application/jwt") ? await response.clone().text() : undefined;
  if (signed !== undefined) await orFail("userinfo_signature", () => verify(signed));
  // The algorithm was checked with the signature; metadata about UserInfo's own is often missing.
  const claims: Claims = await orFail("userinfo_failed", () =>
    processUserInfoResponse(
      { ...server, userinfo_signing_alg_values_supported: ["RS256", "PS256", "ES256", "EdDSA"] },
      client,
      skipSubjectCheck,
      response,
    ),
  );
  // Checked here and not there, to tell this refusal from every other.
  if (claims["sub"] !== subject) throw new SignInError("userinfo_subject");
  return claims;
}
