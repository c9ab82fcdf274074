import type { Tenant } from "./config/tenant.ts";

/** The objects that a tenant is spread over: what concerns a person everywhere is asked of each. */
export function shardsOf({ shards }: Pick<Tenant, "shards">): number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}
