/** What a browser keeps of a sign-in for its end: each in a sealed cookie that is sent to one path only. */
import type { AppContext } from "../context.ts";
import { SHARD } from "../session-lifecycle.ts";
import { keepFrontChannel } from "./front-channel-cookie.ts";
import type { SignIn } from "./oidc-sign-in.ts";
import type { VerifiedIdentity } from "./provider-settings.ts";
import { keepHint } from "./sign-out-hint.ts";

export async function keepForSignOut(
  c: AppContext,
  signIn: SignIn,
  session: string,
  { issuer, idToken, providerSessionId }: VerifiedIdentity,
): Promise<void> {
  await keepHint(c, signIn.hints, { session, idToken });
  if (providerSessionId === null) return;
  await keepFrontChannel(c, signIn.frontChannel, { session, shard: SHARD, issuer, providerSessionId });
}
