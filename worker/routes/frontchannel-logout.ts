/**
 * `GET /_gate/frontchannel-logout?iss&sid`: a provider's page loads it in a frame (Front-Channel Logout 1.0 section 2).
 * Anybody can make a browser ask for it, so it ends a session only when the browser brings that session's own sealed
 * cookie and both names are the ones in it; without, no object hears of it.
 */
import type { AppContext, Deps, SignInAdapter } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { GatewayError } from "../problem.ts";
import { revokeSpentLater } from "../renewal/revoke-spent.ts";

const PAGE = "<!doctype html><title>Signed out</title>";

export function frontchannelLogout(deps: Deps, signIn: SignInAdapter) {
  return async function frontchannelLogout(c: AppContext): Promise<Response> {
    const { tenant } = c.var;
    const [issuer, providerSessionId] = [only(c, "iss"), only(c, "sid")];
    if (signIn.frontchannelSession === undefined) throw new GatewayError("not_found");
    if (issuer === undefined || providerSessionId === undefined) throw new GatewayError("logout_unnamed");
    const named = await signIn.frontchannelSession(c, { issuer, providerSessionId });
    if (named !== null) {
      const { session, shard } = named;
      await deps.tenantObject(tenant.id, shard).endSession(tenant.call, session, "provider_logout");
      revokeSpentLater(deps, signIn, c, shard);
    }
    // The same answer either way: it tells nobody who is signed in.
    const headers = {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; frame-ancestors ${new URL(issuer).origin}`,
      "x-content-type-options": "nosniff",
    };
    return withCookies(c, new Response(PAGE, { headers }));
  };
}

/** @returns a parameter that is there exactly once */
function only(c: AppContext, name: string): string | undefined {
  const values = c.req.queries(name) ?? [];
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}
