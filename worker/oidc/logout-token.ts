/** Logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6): checked here, so that strangers reach no object. */
import { jwtVerify } from "jose";
import type { AuthorizationServer } from "oauth4webapi";
import type { ProviderLogout } from "../../durable-objects/rpc.ts";
import { CLOCK_TOLERANCE_SECONDS, verifySignature } from "./id-token.ts";
import type { SignatureAlgorithm } from "./provider-settings.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** Older ones are replays; the object remembers `tokenId` for at least this long. */
export const LOGOUT_TOKEN_LIFETIME_SECONDS = 300;

/** Whose sessions end: one `sid`, or all of a subject. At least one of the two is there. */
export type LogoutToken = ProviderLogout;

/** @throws {SignInError} logout_token, and whatever {@link verifySignature} throws */
export async function verifyLogoutToken(
  token: string,
  algorithms: SignatureAlgorithm[],
  server: AuthorizationServer,
  keys: SigningKeys,
  clientId: string,
  nowMs: number,
): Promise<LogoutToken> {
  const key = await verifySignature(token, algorithms, server.jwks_uri, keys);
  const { payload, protectedHeader } = await orFail("logout_token", () =>
    jwtVerify(token, key, {
      algorithms,
      issuer: server.issuer,
      audience: clientId,
      requiredClaims: ["iat", "jti"],
      maxTokenAge: LOGOUT_TOKEN_LIFETIME_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    }),
  );
  const { sub, jti, sid, events, nonce } = payload;
  const type = protectedHeader.typ?.toLowerCase();
  const event = (events as Record<string, unknown> | null | undefined)?.[EVENT];
  const named = [sub, sid].filter((name) => name !== undefined);
  const good =
    // An ID token is none: it has a nonce and no event. The general "JWT" says nothing either way.
    (type === undefined || type === "jwt" || type === "logout+jwt") &&
    nonce === undefined &&
    typeof event === "object" &&
    event !== null &&
    named.length > 0 &&
    named.every((name) => typeof name === "string" && name !== "") &&
    typeof jti === "string" &&
    jti.length <= 256;
  if (!good) throw new SignInError("logout_token");
  const providerSessionId = typeof sid === "string" ? sid : null;
  return { issuer: server.issuer, subject: sub ?? null, providerSessionId, tokenId: jti };
}
