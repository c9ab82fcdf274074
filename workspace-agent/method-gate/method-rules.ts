/** May a person of this role make this request? Pure. Scopes decide too, in OpenClaw; this is what they leave open. */
import { type Role, ROLES } from "#protocol/identity.ts";
import type { Envelope } from "./envelope.ts";
import { type Need, OPENCLAW_2026_9 } from "./methods/openclaw-2026-9.ts";
import { names } from "./methods/names.ts";

export type Decision = { allow: true } | { allow: false; reason: "method" | "parameter"; need: Need };

/**
 * Parameters by method. `only`: others are refused, so that a new release cannot open a door by a new name. `never`: for a
 * method whose parameters the Control UI adds to with every release.
 */
type ParameterRule = { only: ReadonlySet<string> } | { never: ReadonlySet<string> };

/** They hold for every role: an admin may change OpenClaw, but not speak as somebody else. */
export const PARAMETERS: Record<string, ParameterRule> = {
  // With the others of it a caller writes the block that tells the model who speaks, or has the turn run without it.
  agent: {
    only: names(`
      message attachments idempotencyKey label agentId sessionId sessionKey expectedExistingSessionId
      provider model thinking timeout lane
      to replyTo deliver bestEffortDeliver channel replyChannel accountId replyAccountId threadId
    `),
  },
  "chat.send": { never: names("systemInputProvenance systemProvenanceReceipt") },
  // Everybody is shown who answered.
  "question.resolve": { never: names("resolvedBy") },
  "message.action": { never: names("requesterAccountId requesterSenderId senderIsOwner toolContext inboundTurnKind") },
};

const NEEDS = new Map(
  Object.entries(OPENCLAW_2026_9).flatMap(([need, methods]) => [...methods].map((method) => [method, need as Need])),
);

/** @returns what a method needs; an unknown one, such as a plugin's, is for admins, who install plugins */
export function needOf(method: string): Need {
  return NEEDS.get(method) ?? "admin";
}

/** @returns whether the list knows the method */
export function isClassified(method: string): boolean {
  return NEEDS.has(method);
}

export function decideMethod(role: Role, { method, params }: Envelope): Decision {
  const need = needOf(method);
  if (need === "nobody" || ROLES.indexOf(role) < ROLES.indexOf(need)) return { allow: false, reason: "method", need };
  const rule = Object.hasOwn(PARAMETERS, method) ? PARAMETERS[method] : undefined;
  if (rule === undefined) return { allow: true };
  const isRefused = (name: string) => ("only" in rule ? !rule.only.has(name) : rule.never.has(name));
  return [...params].every((name) => !isRefused(name)) ? { allow: true } : { allow: false, reason: "parameter", need };
}
