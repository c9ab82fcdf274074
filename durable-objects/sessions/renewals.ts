/**
 * Asking the provider again, while a session is used: who they are now, and whether they may still come in. The Worker
 * asks; here is decided when, by one at a time (a lease in the row, which outlives this memory), and what the answer means.
 */
import type { Audit } from "../audit/audit.ts";
import { personKey, type PersonStore, type Recorded } from "../people/person-store.ts";
import type { EndReason, Renewal, RenewalOutcome, Result, SpentToken } from "../rpc.ts";
import { newSessionId } from "./session-id.ts";
import type { SessionStore } from "./session-store.ts";
import type { TokenVault } from "./token-vault.ts";

/** A session in use is verified again after this long: below the five minutes that are promised. */
export const RENEW_AFTER_MS = 4 * 60_000;
/** A provider that did not answer is asked again after this long. */
const RETRY_MS = 60_000;
/** Longer than a renewal's requests take together, unless several of them time out. */
const LEASE_MS = 30_000;
/** Whom no provider has vouched for in this long is out: an outage ends no chat at once, and keeps nobody for ever. */
const UNVERIFIED_MS = 60 * 60_000;
/** A request waits this long for a renewal under way, then goes on without. */
const WAIT_MS = 10_000;
/** Tokens of ended sessions that nobody fetched are forgotten. */
const SPENT_MS = 3_600_000;

export interface RenewalParts {
  sql: SqlStorage;
  now: () => number;
  store: SessionStore;
  people: PersonStore;
  audit: Audit;
  vault: TokenVault;
  /** Ends a session with everything it has open. */
  end: (hash: string, reason: EndReason) => void;
  recorded: (recorded: Recorded & { ok: true }) => void;
}

type Row = {
  id_hash: string;
  person: string;
  issuer: string;
  subject: string;
  provider: string;
  refresh_token: ArrayBuffer;
  verified_at: number;
};

export class Renewals {
  #parts: RenewalParts;
  /** Who waits for a renewal under way, by session. */
  #waiting = new Map<string, PromiseWithResolvers<void>>();

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Whether the provider must be asked before the session is used further. */
  isDue(hash: string): boolean {
    const found = this.#parts.store.find(hash, false);
    return found.ok && found.session.renewAt !== null && found.session.renewAt <= this.#parts.now();
  }

  /** Waits for a renewal under way, a bounded time. @returns false at once when there is none */
  async settled(hash: string): Promise<boolean> {
    const leftMs = this.#leaseLeftMs(hash);
    if (leftMs <= 0) return false;
    const waiting = this.#waiting.get(hash) ?? Promise.withResolvers<void>();
    this.#waiting.set(hash, waiting);
    const timer = setTimeout(waiting.resolve, Math.min(leftMs, WAIT_MS));
    await waiting.promise;
    clearTimeout(timer);
    return true;
  }

  /** @returns null when the session needs none, or when another has just been made */
  async begin(tenant: string, hash: string): Promise<Renewal | null> {
    await this.settled(hash);
    // From here to the lease nothing waits: whoever comes second finds it taken.
    if (!this.isDue(hash) || this.#leaseLeftMs(hash) > 0) return null;
    const { sql, now, vault, end } = this.#parts;
    this.wake(hash);
    const lease = newSessionId();
    sql.exec("UPDATE sessions SET lease = ?, lease_until = ? WHERE id_hash = ?", lease, now() + LEASE_MS, hash);
    const row = this.#leased(lease);
    if (row === undefined) return null;
    const refreshToken = await vault.open(tenant, hash, row.refresh_token);
    if (refreshToken === undefined) {
      // Sealed under another STORAGE_KEY: it can never be renewed.
      end(hash, "unverified");
      return null;
    }
    const { provider, issuer, subject } = row;
    return { lease, provider, issuer, subject, refreshToken };
  }

  /** @returns `lease_lost` when the session ended meanwhile, or another renewal took its place */
  async finish(tenant: string, lease: string, outcome: RenewalOutcome): Promise<Result<null, "lease_lost">> {
    const hash = this.#leased(lease)?.id_hash;
    if (hash === undefined) return { ok: false, code: "lease_lost" };
    const { refreshToken } = outcome;
    const sealed = refreshToken !== null ? await this.#parts.vault.seal(tenant, hash, refreshToken) : null;
    const identity = outcome.type === "verified" ? outcome.identity : null;
    const key = identity === null ? null : await personKey(identity.issuer, identity.subject);
    // From here on nothing waits: what is read is what is changed.
    const row = this.#leased(lease);
    if (row === undefined) return { ok: false, code: "lease_lost" };
    this.#parts.sql.exec(
      "UPDATE sessions SET refresh_token = ?, lease = NULL, lease_until = NULL WHERE id_hash = ?",
      sealed,
      hash,
    );
    this.#judge(row, outcome, key);
    this.wake(hash);
    return { ok: true, value: null };
  }

  /** Lets everybody who waits for a session's renewal look again. */
  wake(hash: string): void {
    this.#waiting.get(hash)?.resolve();
    this.#waiting.delete(hash);
  }

  /** @returns at most `limit` of these sessions that are due, the longest unverified first */
  due(hashes: Iterable<string>, limit: number): string[] {
    const { store, now } = this.#parts;
    const due = [];
    for (const hash of hashes) {
      const found = store.find(hash, false);
      const renewAt = found.ok ? found.session.renewAt : null;
      if (renewAt !== null && renewAt <= now()) due.push({ hash, renewAt });
    }
    due.sort((one, other) => one.renewAt - other.renewAt);
    return due.slice(0, limit).map(({ hash }) => hash);
  }

  /** Whether {@link due} could find any: asked every minute, so without looking at sockets. */
  get anyDue(): boolean {
    const { sql, now } = this.#parts;
    return (
      sql.exec("SELECT 1 FROM sessions WHERE ended_at IS NULL AND renew_at <= ? LIMIT 1", now()).toArray().length > 0
    );
  }

  get anySpent(): boolean {
    return this.#parts.sql.exec("SELECT 1 FROM revocations LIMIT 1").toArray().length > 0;
  }

  /** Hands out tokens of ended sessions, each once. */
  async takeSpent(tenant: string, limit: number): Promise<SpentToken[]> {
    const { sql, now, vault } = this.#parts;
    sql.exec("DELETE FROM revocations WHERE at < ?", now() - SPENT_MS);
    const rows = sql
      .exec<{ id: number; session: string; issuer: string; provider: string; refresh_token: ArrayBuffer }>(
        "SELECT * FROM revocations ORDER BY id LIMIT ?",
        limit,
      )
      .toArray();
    for (const { id } of rows) sql.exec("DELETE FROM revocations WHERE id = ?", id);
    const spent = [];
    for (const { session, issuer, provider, refresh_token: sealed } of rows) {
      const refreshToken = await vault.open(tenant, session, sealed);
      if (refreshToken !== undefined) spent.push({ issuer, provider, refreshToken });
    }
    return spent;
  }

  #judge(row: Row, outcome: RenewalOutcome, key: string | null): void {
    const { now, store, people, audit, end } = this.#parts;
    const hash = row.id_hash;
    if (outcome.type === "provider_down") {
      if (now() - row.verified_at >= UNVERIFIED_MS) end(hash, "unverified");
      else store.renewLater(hash, now() + RETRY_MS);
      return;
    }
    // A renewal speaks of the person who signed in, or it speaks of nobody (OpenID Connect Core section 12.2).
    if (outcome.type === "refused" || key !== row.person) return end(hash, "refused_at_renewal");
    const recorded = people.record(row.person, outcome.identity);
    if (!recorded.ok) {
      audit.append({ type: "identity.conflict", issuer: row.issuer, person: row.person, holder: recorded.holder });
      return end(hash, "refused_at_renewal");
    }
    store.renewed(hash, outcome.identity, now() + RENEW_AFTER_MS);
    if (recorded.otherRole) store.changeRole(row.person, outcome.identity.role);
    this.#parts.recorded(recorded);
  }

  #leased(lease: string): Row | undefined {
    return this.#parts.sql
      .exec<Row>(
        `SELECT id_hash, person, sessions.issuer AS issuer, subject, provider, refresh_token, verified_at
         FROM sessions JOIN people ON people.key = sessions.person
         WHERE lease = ? AND ended_at IS NULL AND refresh_token IS NOT NULL`,
        lease,
      )
      .toArray()[0];
  }

  #leaseLeftMs(hash: string): number {
    const { sql, now } = this.#parts;
    const row = sql
      .exec<{ lease_until: number | null }>("SELECT lease_until FROM sessions WHERE id_hash = ?", hash)
      .toArray()[0];
    return (row?.lease_until ?? 0) - now();
  }
}
