/** The tenant seam: who is served under which host. Known from configuration only, never by asking an object. */
import type { Config } from "./env.ts";

export interface Tenant {
  /** `[a-z0-9-]{1,63}`; part of object names, cookie names and keys. */
  id: string;
  name: string;
  contact: string | null;
  shards: number;
  agentKeys: ReadonlyMap<string, string>;
}

export type FindTenant = (host: string, path: string) => Tenant | undefined;

/** Shorthand variables make the only document of a single tenant (design section 10). */
export function singleTenant(config: Config): FindTenant {
  const { tenantName: name, contact, agentKeys } = config;
  const tenant: Tenant = { id: "default", name, contact, shards: 1, agentKeys };
  return (host) => (host === config.publicUrl.host ? tenant : undefined);
}
