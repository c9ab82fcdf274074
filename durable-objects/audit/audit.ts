/** The audit seam: product data about security events, written before the action is answered. */
import type { AuditEntry, EndReason } from "../rpc.ts";

import type { DeniedReason } from "#protocol/frame.ts";

export type AuditEvent =
  | { type: "session.created"; person: string; session: string }
  | { type: "session.ended"; session: string; reason: EndReason }
  | { type: "session.not_renewed"; person: string; session: string }
  | { type: "admin.session_revoked"; actor: string; by: string; person: string; session: string }
  | { type: "admin.person_revoked"; actor: string; by: string; person: string; sessions: number }
  | { type: "admin.person_forgotten"; actor: string; by: string; person: string; sessions: number }
  | { type: "admin.all_revoked"; actor: string; by: string; sessions: number }
  | { type: "admin.cli_started"; actor: string; by: string }
  | { type: "admin.audit_exported"; actor: string; by: string }
  | { type: "admin.refused"; actor: string; by: string; act: string }
  | { type: "identity.conflict"; issuer: string; person: string; holder: string }
  | { type: "identity.unwritable"; version: number }
  | { type: "request.refused"; person: string; code: string; routeClass: string }
  | { type: "request.denied"; person: string; reason: DeniedReason; method: string; count: number }
  | { type: "admin.agent_approved"; actor: string; by: string; agent: string; key: string }
  | { type: "admin.agent_denied"; actor: string; by: string; key: string }
  | { type: "admin.agent_token_made"; actor: string; by: string }
  | { type: "admin.agent_renamed"; actor: string; by: string; agent: string }
  | { type: "admin.agent_revoked"; actor: string; by: string; agent: string }
  | { type: "agent.enrolled_by_token"; agent: string; key: string; madeBy: string }
  | { type: "agent.key_added"; agent: string; key: string }
  | { type: "agent.key_replaced"; agent: string; key: string }
  | { type: "agent.left"; agent: string }
  | { type: "agent.connected"; agent: string; version: string; role: string }
  | { type: "agent.refused"; agent: string; code: string }
  | { type: "agent.superseded"; agent: string }
  | { type: "agent.disconnected"; agent: string; code: string };

type Row = { id: number; at: number; type: string; json: string };

/** Rows kept; chain, search and export come with the audit object. */
const MAX_ROWS = 10_000;

export class Audit {
  #sql: SqlStorage;
  #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** @returns at most `most` entries after `id`, oldest first */
  after(id: number, most: number): AuditEntry[] {
    return this.#sql
      .exec<Row>("SELECT id, at, type, json FROM audit WHERE id > ? ORDER BY id LIMIT ?", id, most)
      .toArray()
      .map(({ json, ...entry }) => ({ ...entry, fields: JSON.parse(json) as AuditEntry["fields"] }));
  }

  append(event: AuditEvent): void {
    const { type, ...fields } = event;
    const at = this.#now();
    this.#sql.exec("INSERT INTO audit (at, type, json) VALUES (?, ?, ?)", at, type, JSON.stringify(fields));
    this.#sql.exec("DELETE FROM audit WHERE id <= (SELECT MAX(id) FROM audit) - ?", MAX_ROWS);
  }
}
