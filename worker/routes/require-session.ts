/** Who asks, for own pages that only make sense to somebody who is signed in. */
import type { SessionView } from "../../durable-objects/rpc.ts";
import type { AppContext, Deps } from "../context.ts";
import { GatewayError } from "../problem.ts";

/** @throws {GatewayError} unauthenticated | session_expired | session_revoked */
export async function requireSession(deps: Deps, c: AppContext): Promise<SessionView> {
  const { cookie, tenant } = c.var;
  if (cookie?.kind !== "valid") throw new GatewayError("unauthenticated");
  const { shard, session } = cookie.reference;
  const found = await deps.tenantObject(tenant.id, shard).findSession(tenant.call, session);
  if (!found.ok) throw new GatewayError(found.code === "session_unknown" ? "unauthenticated" : found.code);
  return found.value;
}
