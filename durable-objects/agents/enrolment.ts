/** What an agent does about itself. The Worker verified that the key which is named signed the call. */
import type { Audit } from "../audit/audit.ts";
import type { AgentView, Enrolled, EnrolmentRefusal, KeyOffer, Result, TokenRefusal } from "../rpc.ts";
import type { AgentKeys } from "./agent-keys.ts";
import type { EnrolmentTokens } from "./enrolment-tokens.ts";

export interface EnrolmentParts {
  keys: AgentKeys;
  tokens: EnrolmentTokens;
  audit: Audit;
  /** Public half of the gateway key of a tenant. */
  gatewayKey: (tenant: string) => Promise<string>;
  roleOf: (agent: string) => AgentView["role"];
  /** Ends the agent's connections. */
  disconnect: (agent: string) => void;
}

export class Enrolment {
  #parts: EnrolmentParts;

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  async find(tenant: string, publicKey: string): Promise<Result<Enrolled, EnrolmentRefusal>> {
    const found = this.#parts.keys.find(publicKey);
    if (found === undefined) return { ok: false, code: "enrolment_pending" };
    if (found.state === "active") return this.#enrolled(tenant, found.agent);
    return { ok: false, code: found.state === "denied" ? "enrolment_denied" : "key_revoked" };
  }

  async byToken(tenant: string, token: string, offer: KeyOffer): Promise<Result<Enrolled, TokenRefusal>> {
    const { keys, tokens, audit } = this.#parts;
    const madeBy = tokens.makerOf(token);
    if (madeBy === undefined) return { ok: false, code: "token_used" };
    const enrolled = keys.enrol(offer, madeBy);
    if ("refused" in enrolled) return { ok: false, code: enrolled.refused };
    tokens.spend(token);
    audit.append({ type: "agent.enrolled_by_token", agent: enrolled.agent, key: offer.publicKey, madeBy });
    return this.#enrolled(tenant, enrolled.agent);
  }

  view(agent: string, publicKey: string): Result<AgentView, "agent_refused"> {
    const { keys, roleOf } = this.#parts;
    if (!keys.isActive(agent, publicKey)) return { ok: false, code: "agent_refused" };
    return { ok: true, value: { agent, name: keys.nameOf(agent) ?? agent, role: roleOf(agent) } };
  }

  replaceKey(
    agent: string,
    publicKey: string,
    next: string,
  ): Result<null, "agent_refused" | "key_enrolled" | "key_revoked"> {
    const { keys, audit } = this.#parts;
    if (!keys.isActive(agent, publicKey)) return { ok: false, code: "agent_refused" };
    const added = keys.add(agent, next);
    if (added !== "added") return { ok: false, code: added };
    audit.append({ type: "agent.key_added", agent, key: next });
    return { ok: true, value: null };
  }

  /** A connection came about with this key: whatever it replaces is over. */
  used(agent: string, publicKey: string): void {
    const { keys, audit } = this.#parts;
    if (keys.used(agent, publicKey) > 0) audit.append({ type: "agent.key_replaced", agent, key: publicKey });
  }

  leave(agent: string, publicKey: string): Result<null, "agent_refused"> {
    const { keys, audit, disconnect } = this.#parts;
    if (!keys.isActive(agent, publicKey)) return { ok: false, code: "agent_refused" };
    keys.revoke(agent);
    audit.append({ type: "agent.left", agent });
    disconnect(agent);
    return { ok: true, value: null };
  }

  async #enrolled(tenant: string, agent: string): Promise<{ ok: true; value: Enrolled }> {
    return { ok: true, value: { agent, gatewayKey: await this.#parts.gatewayKey(tenant) } };
  }
}
