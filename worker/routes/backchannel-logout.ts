/**
 * `POST /_gate/backchannel-logout`: a provider says whose sessions are over (Back-Channel Logout 1.0 section 2.5). The
 * token is verified before any object hears of it; each is good once. Only this route takes a write without `Origin`.
 */
import type { AppContext, Deps, SignInAdapter } from "../context.ts";
import type { LogoutToken } from "../oidc/logout-token.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { GatewayError } from "../problem.ts";
import { revokeSpentLater } from "../renewal/revoke-spent.ts";
import { shardsOf } from "../shards.ts";

const FORM = "application/x-www-form-urlencoded";
const MAX_BODY_BYTES = 32 * 1024;

export function backchannelLogout(deps: Deps, signIn: SignInAdapter) {
  return async function backchannelLogout(c: AppContext): Promise<Response> {
    if (signIn.verifyLogoutToken === undefined) throw new GatewayError("not_found");
    try {
      const token = await readToken(c.req.raw);
      await end(deps, c, await signIn.verifyLogoutToken(c.var.tenant, token));
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      deps.log({ event: "logout.refused", request_id: c.var.requestId, reason: error.reason });
      // Section 2.8: every refusal has this status; what was wrong is for our log.
      return c.json({ error: "invalid_request" }, 400, { "cache-control": "no-store" });
    }
    for (const shard of shardsOf(c.var.tenant)) revokeSpentLater(deps, signIn, c, shard);
    return c.body(null, 200, { "cache-control": "no-store" });
  };
}

async function end(deps: Deps, c: AppContext, token: LogoutToken): Promise<void> {
  const { tenant, requestId } = c.var;
  for (const shard of shardsOf(tenant)) {
    const ended = await deps.tenantObject(tenant.id, shard).providerLogout(tenant.call, token);
    if (!ended.ok) throw new SignInError("logout_replayed");
    deps.log({ event: "logout.provider", request_id: requestId, tenant: tenant.id, sessions: ended.value.sessions });
  }
}

/** Counts while it reads: nobody has said who they are yet, and `Content-Length` may be missing. */
async function readToken(request: Request): Promise<string> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== FORM || request.body === null) throw new SignInError("logout_token");
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new SignInError("logout_token");
    text += decoder.decode(chunk, { stream: true });
  }
  const [token, ...others] = new URLSearchParams(text).getAll("logout_token");
  if (token === undefined || others.length > 0) throw new SignInError("logout_token");
  return token;
}
