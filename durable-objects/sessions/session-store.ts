/** Session rows. The id of the cookie is never stored: rows are found by its hash. */
import type { Role } from "#protocol/identity.ts";
import type { EndReason, Identity, SessionKind, SignIn } from "../rpc.ts";
import type { Lifetime } from "../tenant-settings.ts";
import { dueAt, lastAt, liveness, SEEN_RESOLUTION_MS, type Liveness } from "./expiry.ts";

/** Tombstones tell revoked from expired for as long as a cookie may still name them, and a little longer. */
const TOMBSTONE_MS = 3_600_000;
const MAX_IN_MEMORY = 1_000;
const MAX_GROUPS = 200;
/** Whoever signed out, or was signed out, comes back by a sign-in of their own. */
const RENEWABLE: ReadonlySet<string | null> = new Set<string | null>([null, "expired", "replaced", "unverified"]);

type Row = {
  id_hash: string;
  kind: SessionKind;
  person: string;
  issuer: string;
  provider: string;
  email: string | null;
  name: string | null;
  role: Role;
  created_at: number;
  last_seen_at: number;
  expires_at: number;
  due_at: number;
  renew_at: number | null;
  ended_at: number | null;
  ended_reason: string | null;
};

export interface StoredSession {
  hash: string;
  kind: SessionKind;
  person: string;
  issuer: string;
  /** Id of the provider in the configuration; several may share an issuer. */
  provider: string;
  email: string | null;
  name: string | null;
  role: Role;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  dueAt: number;
  /** From when on its provider has to be asked again; null: never. */
  renewAt: number | null;
  endedAt: number | null;
  endedReason: string | null;
}

export type FoundSession =
  { ok: true; session: StoredSession } | { ok: false; code: Exclude<Liveness, "live"> | "session_unknown" };

export type LifetimeOf = (role: Role, kind: SessionKind) => Lifetime;

/** Live sessions that have something in common. */
export type SessionGroup =
  { person: string } | { assistantsOf: string } | { issuer: string; providerSessionId: string } | "all";

export class SessionStore {
  #sql: SqlStorage;
  #now: () => number;
  #lifetimeOf: LifetimeOf;
  /** Live sessions as they are stored: this memory is their only writer, and asks at every request. */
  #live = new Map<string, StoredSession>();

  constructor(sql: SqlStorage, now: () => number, lifetimeOf: LifetimeOf) {
    this.#sql = sql;
    this.#now = now;
    this.#lifetimeOf = lifetimeOf;
  }

  /**
   * @param renewal the sealed refresh token, and when it is used first
   * @returns when the session expires at the latest
   */
  create(hash: string, person: string, signIn: SignIn, renewal: { token: ArrayBuffer; at: number } | null): number {
    const now = this.#now();
    const lifetime = this.#lifetimeOf(signIn.role, signIn.kind);
    const expiresAt = now + lifetime.absoluteSeconds * 1000;
    this.#sql.exec(
      `INSERT INTO sessions (id_hash, person, issuer, provider, email, name, role, groups_json, provider_session,
         user_agent, address, created_at, last_seen_at, expires_at, due_at, refresh_token, verified_at, renew_at, kind)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      hash,
      person,
      signIn.issuer,
      signIn.provider,
      signIn.email,
      signIn.name,
      signIn.role,
      groupsJson(signIn.groups),
      signIn.providerSessionId,
      signIn.userAgent.slice(0, 256),
      signIn.clientAddress,
      now,
      now,
      expiresAt,
      dueAt({ createdAt: now, lastSeenAt: now, expiresAt }, lifetime),
      renewal?.token ?? null,
      now,
      renewal?.at ?? null,
      signIn.kind,
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
      session.lastSeenAt = now;
      session.dueAt = dueAt(session, this.#lifetimeOf(session.role, session.kind));
      this.#sql.exec("UPDATE sessions SET last_seen_at = ?, due_at = ? WHERE id_hash = ?", now, session.dueAt, hash);
    }
    return { ok: true, session };
  }

  /** @returns when a session ends at the latest, as its role's lifetimes are now */
  lastAt(session: StoredSession): number {
    return lastAt(session, this.#lifetimeOf(session.role, session.kind));
  }

  /** @returns a session of which something is still stored and that simply ran out, or will; else undefined */
  findFormer(hash: string): StoredSession | undefined {
    const session = this.#live.get(hash) ?? this.#read(hash);
    return session !== undefined && RENEWABLE.has(session.endedReason) ? session : undefined;
  }

  /** Ends a session; its refresh token is put aside for its provider to hear of. @returns whether it was live */
  end(hash: string, reason: EndReason): boolean {
    this.#live.delete(hash);
    const now = this.#now();
    const live = "WHERE id_hash = ? AND ended_at IS NULL";
    this.#sql.exec(
      `INSERT INTO revocations (session, issuer, provider, refresh_token, at)
       SELECT id_hash, issuer, provider, refresh_token, ? FROM sessions ${live} AND refresh_token IS NOT NULL`,
      now,
      hash,
    );
    const ended = this.#sql.exec(
      `UPDATE sessions SET ended_at = ?, ended_reason = ?, refresh_token = NULL, renew_at = NULL, lease = NULL ${live}`,
      now,
      reason,
      hash,
    );
    return ended.rowsWritten > 0;
  }

  /** The provider has vouched for the session's person again. */
  renewed(hash: string, { email, name, role, groups }: Identity, renewAt: number): void {
    this.#live.delete(hash);
    this.#sql.exec(
      "UPDATE sessions SET email = ?, name = ?, role = ?, groups_json = ?, verified_at = ?, renew_at = ? WHERE id_hash = ?",
      email,
      name,
      role,
      groupsJson(groups),
      this.#now(),
      renewAt,
      hash,
    );
  }

  /** The provider could not be asked. */
  renewLater(hash: string, renewAt: number): void {
    this.#live.delete(hash);
    this.#sql.exec("UPDATE sessions SET renew_at = ? WHERE id_hash = ?", renewAt, hash);
  }

  /** @returns hashes of sessions that nobody ended yet */
  unended(group: SessionGroup): string[] {
    const select = "SELECT id_hash FROM sessions WHERE ended_at IS NULL";
    if (group === "all") return this.#hashes(select);
    if ("assistantsOf" in group)
      return this.#hashes(`${select} AND person = ? AND kind = 'browser'`, group.assistantsOf);
    if ("person" in group) return this.#hashes(`${select} AND person = ?`, group.person);
    return this.#hashes(`${select} AND issuer = ? AND provider_session = ?`, group.issuer, group.providerSessionId);
  }

  /** @returns hashes of sessions whose time is over and that nobody ended yet */
  overdue(): string[] {
    return this.#hashes("SELECT id_hash FROM sessions WHERE ended_at IS NULL AND due_at <= ?", this.#now());
  }

  /** @returns when the next session ends by itself, or null */
  nextDueAt(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT MIN(due_at) AS at FROM sessions WHERE ended_at IS NULL").one()
      .at;
  }

  /** Somebody's role is another now: in every session of theirs, and with its lifetimes. */
  changeRole(person: string, role: Role): void {
    this.#sql.exec("UPDATE sessions SET role = ? WHERE person = ? AND ended_at IS NULL", role, person);
    this.recalculate({ person });
  }

  /** Other lifetimes hold for sessions that began under the former ones, too. */
  recalculate(group: SessionGroup = "all"): void {
    this.#live.clear();
    for (const hash of this.unended(group)) {
      const session = this.#read(hash);
      if (session === undefined) continue;
      const due = dueAt(session, this.#lifetimeOf(session.role, session.kind));
      if (due === session.dueAt) continue;
      session.dueAt = due;
      this.#sql.exec("UPDATE sessions SET due_at = ? WHERE id_hash = ?", due, hash);
    }
  }

  /**
   * Takes out what says whose a person's ended sessions were. A tombstone stays only where it tells its browser more
   * than that it has to sign in, and then it names nobody.
   */
  forget(person: string): void {
    this.#sql.exec("DELETE FROM sessions WHERE person = ? AND ended_reason <> 'revoked'", person);
    this.#sql.exec(
      `UPDATE sessions SET person = '', issuer = '', provider = '', email = NULL, name = NULL, groups_json = '[]',
         provider_session = NULL, user_agent = '', address = '' WHERE person = ? AND ended_at IS NOT NULL`,
      person,
    );
  }

  /** Forgets tombstones that no cookie can name any more. */
  sweep(): void {
    this.#live.clear();
    this.#sql.exec("DELETE FROM sessions WHERE ended_at IS NOT NULL AND expires_at < ?", this.#now() - TOMBSTONE_MS);
  }

  #hashes(query: string, ...bindings: (string | number)[]): string[] {
    const rows = this.#sql.exec<{ id_hash: string }>(query, ...bindings).toArray();
    return rows.map((row) => row.id_hash);
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

function groupsJson(groups: string[]): string {
  return JSON.stringify(groups.slice(0, MAX_GROUPS));
}

function fromRow(row: Row): StoredSession {
  return {
    hash: row.id_hash,
    kind: row.kind,
    person: row.person,
    issuer: row.issuer,
    provider: row.provider,
    email: row.email,
    name: row.name,
    role: row.role,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    dueAt: row.due_at,
    renewAt: row.renew_at,
    endedAt: row.ended_at,
    endedReason: row.ended_reason,
  };
}
