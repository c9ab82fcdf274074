/** Who OpenClaw's `gateway.auth.identityScopes` should make an administrator, and what that changes. Pure. */
import { ADMIN_SCOPE, REDACTED } from "../openclaw/wanted.ts";

/** OpenClaw's user string or e-mail address → scopes. */
export type IdentityScopes = Readonly<Record<string, readonly string[]>>;

export interface GrantPlan {
  /** A merge patch of `identityScopes` (RFC 7396); null when all is as it should be. */
  patch: Record<string, string[] | null> | null;
  /** Lists that get shorter: OpenClaw wants each named, or it refuses the patch. */
  shortened: string[];
}

const PATH = "gateway.auth.identityScopes";

/**
 * @param wanted users who are to be administrators
 * @param withdrawn users who were made administrators by this agent and are none any more; what else they have stays
 */
export function planGrants(
  scopes: IdentityScopes,
  wanted: ReadonlySet<string>,
  withdrawn: ReadonlySet<string>,
): GrantPlan {
  const patch: Record<string, string[] | null> = {};
  const shortened: string[] = [];
  for (const user of wanted) {
    if (isAdmin(scopes, user)) continue;
    const key = keyOf(scopes, user) ?? user;
    patch[key] = [...(scopes[key] ?? []), ADMIN_SCOPE];
  }
  for (const user of withdrawn) {
    const key = keyOf(scopes, user);
    if (key === undefined || wanted.has(user) || !isAdmin(scopes, user)) continue;
    const rest = (scopes[key] ?? []).filter((scope) => scope !== ADMIN_SCOPE && scope !== REDACTED);
    patch[key] = rest.length === 0 ? null : rest;
    shortened.push(`${PATH}.${key}`);
  }
  return { patch: Object.keys(patch).length === 0 ? null : patch, shortened };
}

/**
 * A list that OpenClaw does not show counts as an administrator's: it is the agent's own, or its owner's, and what was
 * added to it would be added again at each look, with everybody reconnected.
 */
export function isAdmin(scopes: IdentityScopes, user: string): boolean {
  const list = scopes[keyOf(scopes, user) ?? ""] ?? [];
  return list.includes(ADMIN_SCOPE) || list.includes(REDACTED);
}

/** As OpenClaw itself looks a user up: exactly, else an address in any case. */
export function keyOf(scopes: IdentityScopes, user: string): string | undefined {
  if (Object.hasOwn(scopes, user)) return user;
  return Object.keys(scopes).find((key) => key.includes("@") && key.toLowerCase() === user);
}
