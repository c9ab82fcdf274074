/** Console sessions live shorter than those of the tenant's host: whoever holds one may end everybody else's. */
import type { SessionKind } from "../rpc.ts";
import type { Lifetime } from "../tenant-settings.ts";

const CONSOLE: Record<Exclude<SessionKind, "browser">, Lifetime> = {
  console: { idleSeconds: 15 * 60, absoluteSeconds: 8 * 3_600 },
  // Nobody sits before it, so idleness says nothing.
  cli: { idleSeconds: 8 * 3_600, absoluteSeconds: 8 * 3_600 },
};

/** @returns the kind's own limits, or the tenant's where those are shorter */
export function lifetimeOfKind(kind: SessionKind, tenant: Lifetime): Lifetime {
  if (kind === "browser") return tenant;
  const own = CONSOLE[kind];
  return {
    idleSeconds: Math.min(own.idleSeconds, tenant.idleSeconds),
    absoluteSeconds: Math.min(own.absoluteSeconds, tenant.absoluteSeconds),
  };
}
