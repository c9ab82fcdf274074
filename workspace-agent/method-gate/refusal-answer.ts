/** How a refused request is answered: as OpenClaw itself would, so that its pages show what they show for that. */
import { ROLE_SCOPES } from "#protocol/identity.ts";
import type { Decision } from "./method-rules.ts";

/** The scope that OpenClaw would miss. */
const MISSING = {
  viewer: "operator.read",
  user: "operator.write",
  approver: "operator.approvals",
  admin: "operator.admin",
} as const satisfies Record<keyof typeof ROLE_SCOPES, string>;

/** @returns the response frame: OpenClaw's own for a missing scope, or FORBIDDEN where no scope would help */
export function refusalAnswer(
  id: string,
  method: string,
  { reason, need }: Extract<Decision, { allow: false }>,
): string {
  if (reason === "parameter" || need === "nobody") {
    const what = reason === "parameter" ? `${method} with these parameters` : method;
    return answer(id, { code: "FORBIDDEN", message: `not open to people: ${what}` });
  }
  const scope = MISSING[need];
  const details = { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] };
  return answer(id, { code: "FORBIDDEN", message: `missing scope: ${scope}`, details });
}

function answer(id: string, error: object): string {
  return JSON.stringify({ type: "res", id, ok: false, error });
}
