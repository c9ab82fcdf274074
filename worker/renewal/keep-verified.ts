/**
 * The scheduled run, every minute: sessions that have something open but ask for nothing are verified again, too, and
 * tokens of ended sessions go back to their providers. A tenant with nothing to do costs one call.
 */
import type { Tenant } from "../config/tenant.ts";
import type { Deps, SignInAdapter } from "../context.ts";
import { shardsOf } from "../shards.ts";
import { renewSession } from "./renew-session.ts";
import { revokeSpent } from "./revoke-spent.ts";

/** A run may make 1,000 requests; a renewal takes up to five. */
const MAX_RENEWALS = 150;
const LEAST_RENEWALS = 3;
/** The platform keeps six connections open at once. */
const AT_ONCE = 6;

export async function keepVerified(deps: Deps, adapter: SignInAdapter): Promise<void> {
  if (adapter.renew === undefined) return;
  const shards = [...everyShard(deps.config.tenants)];
  const limit = Math.max(LEAST_RENEWALS, Math.floor(MAX_RENEWALS / shards.length));
  await eachOf(shards, async ({ tenant, shard }) => {
    try {
      await keepShardVerified(deps, adapter, tenant, shard, limit);
    } catch (error) {
      // One tenant's trouble is not the others'.
      deps.log({ event: "renewal.failed", tenant: tenant.id, error: (error as Error).name });
    }
  });
}

async function keepShardVerified(deps: Deps, adapter: SignInAdapter, tenant: Tenant, shard: number, limit: number) {
  const due = await deps.tenantObject(tenant.id, shard).dueRenewals(tenant.call, limit);
  if (!due.ok) return;
  if (due.value.spent) await revokeSpent(deps, adapter, tenant, shard);
  // The lease of each begins when its turn has come.
  await eachOf(due.value.sessions, (hash) => renewSession(deps, adapter, { tenant, shard, name: { hash } }));
}

/** A tenant has one entry per host; its objects are the same under each. */
function* everyShard(tenants: readonly Tenant[]): Generator<{ tenant: Tenant; shard: number }> {
  for (const tenant of new Map(tenants.map((tenant) => [tenant.id, tenant])).values()) {
    for (const shard of shardsOf(tenant)) yield { tenant, shard };
  }
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
