/** The tenant seam: who is served under which host and path. Known from configuration only, never by asking an object. */
import type { Tenant } from "./tenant.ts";

export type FindTenant = (host: string, path: string) => Tenant | undefined;

/** Exact on the host; on the path the longest base path wins, by whole segments and exactly as written. */
export function findAmong(tenants: readonly Tenant[]): FindTenant {
  const byHost = Map.groupBy(tenants, ({ publicUrl }) => publicUrl.host);
  for (const sites of byHost.values()) sites.sort((one, other) => other.basePath.length - one.basePath.length);
  return (host, path) => byHost.get(host)?.find(({ basePath }) => isUnder(path, basePath));
}

function isUnder(path: string, basePath: string): boolean {
  return basePath === "" || path === basePath || path.startsWith(`${basePath}/`);
}
