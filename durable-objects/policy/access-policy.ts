/** The policy seam, pure: may this person do this? Asked for every request, right before it is relayed. */
import type { Role } from "#protocol/identity.ts";
import type { RouteClass } from "#protocol/request-target.ts";

export type Decision = { allow: true } | { allow: false; code: "forbidden_by_role" };

/** Who may use which class; a role that is not listed may not. */
const ALLOWED: Record<RouteClass, ReadonlySet<Role>> = {
  ui: new Set<Role>(["viewer", "user", "approver", "admin"]),
  gateway: new Set<Role>(["viewer", "user", "approver", "admin"]),
  write: new Set<Role>(["user", "approver", "admin"]),
  // Runs a tool by name, without a chat: nothing the Control UI needs.
  tools: new Set<Role>(["admin"]),
  // OpenClaw's own workers, never people.
  worker: new Set<Role>(),
};

export function decide(request: { routeClass: RouteClass }, person: { role: Role }): Decision {
  return ALLOWED[request.routeClass].has(person.role) ? { allow: true } : { allow: false, code: "forbidden_by_role" };
}
