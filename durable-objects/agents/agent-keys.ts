/**
 * Enrolled agents and their keys. An agent is a name that keeps its keys: two while one replaces the other. A revoked key
 * stays as a tombstone, so that nobody enrols it again by mistake; a denied one may be asked for anew.
 */
import type { KeyOffer, KeyRefusal, ListedAgent } from "../rpc.ts";
import { base64Url } from "../sessions/session-id.ts";

/** More is a mistake, or somebody who collects them. */
export const MAX_AGENTS = 100;
/** Tombstones kept; the oldest go first. */
const MAX_TOMBSTONES = 1_000;

export type KeyState = "active" | "denied" | "revoked";

type KeyRow = { public_key: string; agent: string; state: KeyState };
type AgentRow = { agent: string; name: string; enrolled_at: number; enrolled_by: string; keys: number };

export class AgentKeys {
  #sql: SqlStorage;
  #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  find(publicKey: string): { agent: string; state: KeyState } | undefined {
    return this.#sql
      .exec<KeyRow>("SELECT public_key, agent, state FROM agent_keys WHERE public_key = ?", publicKey)
      .toArray()[0];
  }

  isActive(agent: string, publicKey: string): boolean {
    const found = this.find(publicKey);
    return found?.agent === agent && found.state === "active";
  }

  nameOf(agent: string): string | undefined {
    return this.#agents("WHERE agent = ?", agent)[0]?.name;
  }

  list(): Omit<ListedAgent, "connected">[] {
    return this.#agents("ORDER BY enrolled_at DESC, agent").map((row) => ({
      agent: row.agent,
      name: row.name,
      enrolledAt: row.enrolled_at,
      enrolledBy: row.enrolled_by === "" ? null : row.enrolled_by,
      keys: row.keys,
    }));
  }

  /** @param by key of the person who approved. @returns the new agent's id, or why it cannot be one */
  enrol(offer: KeyOffer, by: string): { agent: string } | { refused: KeyRefusal } {
    const state = this.find(offer.publicKey)?.state;
    if (state === "active") return { refused: "key_enrolled" };
    if (state === "revoked") return { refused: "key_revoked" };
    if (this.list().length >= MAX_AGENTS) return { refused: "too_many_agents" };
    const agent = base64Url(crypto.getRandomValues(new Uint8Array(12)));
    this.#sql.exec(
      "INSERT INTO enrolled_agents (agent, name, enrolled_at, enrolled_by) VALUES (?, ?, ?, ?)",
      agent,
      offer.name,
      this.#now(),
      by,
    );
    this.#put(offer.publicKey, agent, "active");
    return { agent };
  }

  deny(publicKey: string): void {
    if (this.find(publicKey) === undefined) this.#put(publicKey, "", "denied");
  }

  /** A second key of the same agent; the first one counts until the second is used. */
  add(agent: string, publicKey: string): "added" | "key_enrolled" | "key_revoked" {
    const found = this.find(publicKey);
    // Asked again after an answer that was lost.
    if (found?.state === "active") return found.agent === agent ? "added" : "key_enrolled";
    if (found?.state === "revoked") return "key_revoked";
    // At most one successor: the one before was never used.
    const keys = this.#sql
      .exec<{ public_key: string }>(
        "SELECT public_key FROM agent_keys WHERE agent = ? AND state = 'active' ORDER BY rowid",
        agent,
      )
      .toArray();
    for (const { public_key: former } of keys.slice(1)) this.#put(former, agent, "revoked");
    this.#put(publicKey, agent, "active");
    return "added";
  }

  /** The agent has proved this key: those it replaces are good for nothing from now on. @returns how many there were */
  used(agent: string, publicKey: string): number {
    const others = this.#sql
      .exec<{ public_key: string }>(
        `SELECT public_key FROM agent_keys WHERE agent = ? AND state = 'active'
         AND rowid < (SELECT rowid FROM agent_keys WHERE public_key = ? AND agent = ?)`,
        agent,
        publicKey,
        agent,
      )
      .toArray();
    for (const { public_key: former } of others) this.#put(former, agent, "revoked");
    return others.length;
  }

  rename(agent: string, name: string): boolean {
    return this.#sql.exec("UPDATE enrolled_agents SET name = ? WHERE agent = ?", name, agent).rowsWritten > 0;
  }

  /** Who let agents in is forgotten; the agents stay. */
  forgetPerson(person: string): void {
    this.#sql.exec("UPDATE enrolled_agents SET enrolled_by = '' WHERE enrolled_by = ?", person);
  }

  /** @returns false when there is no such agent */
  revoke(agent: string): boolean {
    const known = this.nameOf(agent) !== undefined;
    this.#sql.exec("DELETE FROM enrolled_agents WHERE agent = ?", agent);
    this.#sql.exec("UPDATE agent_keys SET state = 'revoked', changed_at = ? WHERE agent = ?", this.#now(), agent);
    return known;
  }

  #agents(where: string, ...bindings: string[]): AgentRow[] {
    return this.#sql
      .exec<AgentRow>(
        `SELECT agent, name, enrolled_at, enrolled_by,
           (SELECT COUNT(*) FROM agent_keys k WHERE k.agent = a.agent AND k.state = 'active') AS keys
         FROM enrolled_agents a ${where}`,
        ...bindings,
      )
      .toArray();
  }

  #put(publicKey: string, agent: string, state: KeyState): void {
    this.#sql.exec(
      // Replaced, not updated: rows are in the order of what happened to keys.
      "INSERT OR REPLACE INTO agent_keys (public_key, agent, state, changed_at) VALUES (?, ?, ?, ?)",
      publicKey,
      agent,
      state,
      this.#now(),
    );
    this.#sql.exec(
      `DELETE FROM agent_keys WHERE state <> 'active' AND rowid <= (
         SELECT rowid FROM agent_keys WHERE state <> 'active' ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
      MAX_TOMBSTONES,
    );
  }
}
