/** Tells providers which refresh tokens nobody needs any more (RFC 7009); best effort, and bounded. */
import type { Tenant } from "../config/tenant.ts";
import type { AppContext, Deps, SignInAdapter } from "../context.ts";

const MAX_TOKENS = 50;

export async function revokeSpent(deps: Deps, { revoke }: SignInAdapter, tenant: Tenant, shard: number): Promise<void> {
  if (revoke === undefined) return;
  const taken = await deps.tenantObject(tenant.id, shard).takeSpentTokens(tenant.call, MAX_TOKENS);
  if (taken.ok) await Promise.all(taken.value.map((spent) => revoke(tenant, spent)));
}

/** The same behind an answer, which does not wait for it; what is not reached is taken by the next scheduled run. */
export function revokeSpentLater(deps: Deps, adapter: SignInAdapter, c: AppContext, shard: number): void {
  if (adapter.revoke === undefined) return;
  const { tenant, requestId } = c.var;
  const work = revokeSpent(deps, adapter, tenant, shard).catch((error: Error) =>
    deps.log({ event: "revocation.failed", request_id: requestId, error: error.name }),
  );
  c.executionCtx.waitUntil(work);
}
