/** The policy seam, pure: may this person do this? Asked for every request, right before it is relayed. */
import type { Role } from "#protocol/identity.ts";
import type { RouteClass } from "#protocol/request-target.ts";

export type Decision = { allow: true } | { allow: false; code: "forbidden_by_role" };

export interface PolicyRule {
  class: RouteClass;
  roles: readonly Role[];
}

/** Who may use which class; a role that is not listed may not. */
const BUILT_IN: Record<RouteClass, readonly Role[]> = {
  ui: ["viewer", "user", "approver", "admin"],
  gateway: ["viewer", "user", "approver", "admin"],
  write: ["user", "approver", "admin"],
  // Runs a tool by name, without a chat: nothing the Control UI needs.
  tools: ["admin"],
  // OpenClaw's own workers, never people.
  worker: [],
};

/** @param rules the tenant's own: for each class the last that names it stands instead of the built-in one */
export function decide(
  request: { routeClass: RouteClass },
  person: { role: Role },
  rules: readonly PolicyRule[],
): Decision {
  const roles = rules.findLast((rule) => rule.class === request.routeClass)?.roles ?? BUILT_IN[request.routeClass];
  return roles.includes(person.role) ? { allow: true } : { allow: false, code: "forbidden_by_role" };
}
