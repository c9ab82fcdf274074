/** Who may connect, by an administrator's word: the most powerful acts of the console, so each asks again whose they are. */
import type { AgentKeys } from "../agents/agent-keys.ts";
import type { EnrolmentTokens } from "../agents/enrolment-tokens.ts";
import type { Audit } from "../audit/audit.ts";
import {
  type AdminRefusal,
  type AgentRefusal,
  type ApprovalRefusal,
  FRESH_MS,
  type KeyOffer,
  type ListedAgent,
  type Result,
} from "../rpc.ts";
import type { Admin } from "./admin.ts";

export interface AgentAdminParts {
  admin: Admin;
  keys: AgentKeys;
  tokens: EnrolmentTokens;
  audit: Audit;
  now: () => number;
  isConnected: (agent: string) => boolean;
  /** Ends the agent's connections. */
  disconnect: (agent: string) => void;
}

/** `actor` is the hash of the acting session's id throughout. */
export class AgentAdmin {
  #parts: AgentAdminParts;

  constructor(parts: AgentAdminParts) {
    this.#parts = parts;
  }

  /** An agent speaks for OpenClaw to everybody, so who lets one in must have signed in just now, in a browser. */
  decide(actor: string, offer: KeyOffer, decision: "approve" | "deny"): Result<null, ApprovalRefusal> {
    const { admin, keys, audit, now } = this.#parts;
    const acting = admin.requireAdmin(actor, "agents.approve");
    if (!acting.ok) return acting;
    const { kind, signedInAt, person } = acting.value;
    if (kind !== "console" || now() - signedInAt > FRESH_MS) return { ok: false, code: "not_fresh" };
    const who = { actor: person, by: actor };
    if (decision === "deny") {
      keys.deny(offer.publicKey);
      audit.append({ type: "admin.agent_denied", ...who, key: offer.publicKey });
      return { ok: true, value: null };
    }
    const enrolled = keys.enrol(offer, person);
    if ("refused" in enrolled) return { ok: false, code: enrolled.refused };
    audit.append({ type: "admin.agent_approved", ...who, agent: enrolled.agent, key: offer.publicKey });
    return { ok: true, value: null };
  }

  makeToken(actor: string): Result<{ id: string; expiresAt: number }, AdminRefusal | "too_many_tokens"> {
    const { admin, tokens, audit } = this.#parts;
    const acting = admin.requireAdmin(actor, "agents.token");
    if (!acting.ok) return acting;
    const made = tokens.make(acting.value.person);
    if (made === undefined) return { ok: false, code: "too_many_tokens" };
    audit.append({ type: "admin.agent_token_made", actor: acting.value.person, by: actor });
    return { ok: true, value: made };
  }

  list(actor: string): Result<ListedAgent[], AdminRefusal> {
    const { admin, keys, isConnected } = this.#parts;
    const acting = admin.requireAdmin(actor, "agents.list");
    if (!acting.ok) return acting;
    return { ok: true, value: keys.list().map((listed) => ({ ...listed, connected: isConnected(listed.agent) })) };
  }

  rename(actor: string, agent: string, name: string): Result<null, AgentRefusal> {
    const { admin, keys, audit } = this.#parts;
    const acting = admin.requireAdmin(actor, "agents.rename");
    if (!acting.ok) return acting;
    if (!keys.rename(agent, name)) return { ok: false, code: "agent_unknown" };
    audit.append({ type: "admin.agent_renamed", actor: acting.value.person, by: actor, agent });
    return { ok: true, value: null };
  }

  revoke(actor: string, agent: string): Result<null, AgentRefusal> {
    const { admin, keys, audit, disconnect } = this.#parts;
    const acting = admin.requireAdmin(actor, "agents.revoke");
    if (!acting.ok) return acting;
    if (!keys.revoke(agent)) return { ok: false, code: "agent_unknown" };
    audit.append({ type: "admin.agent_revoked", actor: acting.value.person, by: actor, agent });
    disconnect(agent);
    return { ok: true, value: null };
  }
}
