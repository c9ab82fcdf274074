/** Session rows. The id of the cookie is never stored: rows are found by its hash. */
import type { Role } from "#protocol/identity.ts";
import type { SignIn } from "../rpc.ts";
import { ABSOLUTE_LIFETIME_MS, dueAt, liveness, SEEN_RESOLUTION_MS, type Liveness } from "./expiry.ts";

/** Tombstones tell revoked from expired for as long as a cookie may still name them. */
const TOMBSTONE_MS = ABSOLUTE_LIFETIME_MS;
const MAX_IN_MEMORY = 1_000;
/** Whoever signed out, or was signed out, comes back by a sign-in of their own. */
const RENEWABLE: ReadonlySet<string | null> = new Set([null, "expired", "replaced"]);

type Row = {
  id_hash: string;
  person: string;
  issuer: string;
  email: string | null;
  name: string | null;
  role: Role;
  created_at: number;
  last_seen_at: number;
  expires_at: number;
  ended_at: number | null;
  ended_reason: string | null;
};

export interface StoredSession {
  hash: string;
  person: string;
  issuer: string;
  email: string | null;
  name: string | null;
  role: Role;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  endedAt: number | null;
  endedReason: string | null;
}

export type FoundSession =
  { ok: true; session: StoredSession } | { ok: false; code: Exclude<Liveness, "live"> | "session_unknown" };

export class SessionStore {
  #sql: SqlStorage;
  #now: () => number;
  /** Live sessions as they are stored: this memory is their only writer, and asks at every request. */
  #live = new Map<string, StoredSession>();

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** @returns when the session expires at the latest */
  create(hash: string, person: string, signIn: SignIn): number {
    const now = this.#now();
    const expiresAt = now + ABSOLUTE_LIFETIME_MS;
    this.#sql.exec(
      `INSERT INTO sessions (id_hash, person, issuer, email, name, role, groups_json, provider_session, user_agent,
         address, created_at, last_seen_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      hash,
      person,
      signIn.issuer,
      signIn.email,
      signIn.name,
      signIn.role,
      JSON.stringify(signIn.groups.slice(0, 200)),
      signIn.providerSessionId,
      signIn.userAgent.slice(0, 256),
      signIn.clientAddress,
      now,
      now,
      expiresAt,
    );
    return expiresAt;
  }

  /** Asks whether the session is live; `touch` counts this as activity. */
  find(hash: string, touch: boolean): FoundSession {
    const session = this.#live.get(hash) ?? this.#read(hash);
    if (session === undefined) return { ok: false, code: "session_unknown" };
    const now = this.#now();
    const live = liveness(session, now);
    if (live !== "live") return { ok: false, code: live };
    if (touch && now - session.lastSeenAt >= SEEN_RESOLUTION_MS) {
      this.#sql.exec("UPDATE sessions SET last_seen_at = ? WHERE id_hash = ?", now, hash);
      session.lastSeenAt = now;
    }
    return { ok: true, session };
  }

  /** @returns a session of which something is still stored and that simply ran out, or will; else undefined */
  findFormer(hash: string): StoredSession | undefined {
    const session = this.#live.get(hash) ?? this.#read(hash);
    return session !== undefined && RENEWABLE.has(session.endedReason) ? session : undefined;
  }

  /** @returns whether a live session was ended by this call */
  end(hash: string, reason: string): boolean {
    this.#live.delete(hash);
    const ended = this.#sql.exec(
      "UPDATE sessions SET ended_at = ?, ended_reason = ? WHERE id_hash = ? AND ended_at IS NULL",
      this.#now(),
      reason,
      hash,
    );
    return ended.rowsWritten > 0;
  }

  /** @returns hashes of sessions whose time is over and that nobody ended yet */
  overdue(): string[] {
    const now = this.#now();
    const rows = this.#sql.exec<Row>("SELECT * FROM sessions WHERE ended_at IS NULL").toArray();
    return rows.filter((row) => dueAt(fromRow(row)) <= now).map((row) => row.id_hash);
  }

  /** @returns when the next session ends by itself, or null */
  nextDueAt(): number | null {
    const rows = this.#sql.exec<Row>("SELECT * FROM sessions WHERE ended_at IS NULL").toArray();
    const times = rows.map((row) => dueAt(fromRow(row)));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Forgets tombstones that no cookie can name any more. */
  sweep(): void {
    this.#live.clear();
    this.#sql.exec("DELETE FROM sessions WHERE ended_at IS NOT NULL AND expires_at < ?", this.#now() - TOMBSTONE_MS);
  }

  #read(hash: string): StoredSession | undefined {
    const row = this.#sql.exec<Row>("SELECT * FROM sessions WHERE id_hash = ?", hash).toArray()[0];
    if (row === undefined) return undefined;
    const session = fromRow(row);
    if (session.endedAt !== null) return session;
    if (this.#live.size >= MAX_IN_MEMORY) this.#live.clear();
    this.#live.set(hash, session);
    return session;
  }
}

function fromRow(row: Row): StoredSession {
  return {
    hash: row.id_hash,
    person: row.person,
    issuer: row.issuer,
    email: row.email,
    name: row.name,
    role: row.role,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    endedReason: row.ended_reason,
  };
}
