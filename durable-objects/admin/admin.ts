/** What is done from the console. Each act is authorised here, where its power is: the Worker's word is not enough. */
import type { Audit } from "../audit/audit.ts";
import type { PersonStore } from "../people/person-store.ts";
import type {
  Actor,
  AdminRefusal,
  AdminTarget,
  AuditEntry,
  ForgetRefusal,
  ListedPerson,
  ListedSession,
  ListScope,
  Page,
  PersonRefusal,
  Result,
  SessionKind,
} from "../rpc.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { findPerson, listPeople, listSessions, readCursor } from "./lists.ts";

/** The whole trail is ten thousand entries: twenty calls, well within what one administrator may ask. */
const AUDIT_PAGE_SIZE = 500;
const CONSOLE_KINDS: readonly SessionKind[] = ["console", "cli"];

export interface AdminParts {
  sql: SqlStorage;
  now: () => number;
  audit: Audit;
  sessions: Sessions;
  people: PersonStore;
  openSockets: (person: string) => number;
  /** The person's row is gone: what other parts keep of them goes, too, and the agent is told. */
  forgotten: (person: string) => void;
  /** Spends one of the actor's requests. */
  mayAsk: (actor: string) => boolean;
}

/** `actor` is the hash of the acting session's id throughout. */
export class Admin {
  #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  whoActs(actor: string): Result<Actor, AdminRefusal> {
    const { sessions, people, mayAsk } = this.#parts;
    const found = sessions.find(actor, true, CONSOLE_KINDS);
    if (!found.ok) return found;
    const { kind, person: key } = found.session;
    const person = people.find(key);
    if (person === undefined) return { ok: false, code: "session_unknown" };
    if (!mayAsk(actor)) return { ok: false, code: "rate_limited" };
    const { email, name, role } = person;
    const { createdAt: signedInAt, dueAt: expiresAt } = found.session;
    return { ok: true, value: { handle: actor, kind, person: key, email, name, role, signedInAt, expiresAt } };
  }

  listSessions(actor: string, scope: ListScope, cursor: string | null): Result<Page<ListedSession>, AdminRefusal> {
    const acting = scope === "all" ? this.requireAdmin(actor, "sessions.list") : this.whoActs(actor);
    if (!acting.ok) return acting;
    const from = readCursor(cursor);
    if (from === undefined) return { ok: false, code: "bad_call" };
    const person = scope === "all" ? null : acting.value.person;
    return { ok: true, value: listSessions(this.#parts.sql, this.#parts.now(), from, person, actor) };
  }

  listPeople(actor: string, cursor: string | null): Result<Page<ListedPerson>, AdminRefusal> {
    const acting = this.requireAdmin(actor, "people.list");
    if (!acting.ok) return acting;
    const from = readCursor(cursor);
    if (from === undefined) return { ok: false, code: "bad_call" };
    return { ok: true, value: listPeople(this.#parts.sql, from, this.#parts.openSockets) };
  }

  findPerson(actor: string, person: string): Result<ListedPerson, PersonRefusal> {
    const acting = this.requireAdmin(actor, "people.list");
    if (!acting.ok) return acting;
    const found = findPerson(this.#parts.sql, person, this.#parts.openSockets);
    return found === undefined ? { ok: false, code: "person_unknown" } : { ok: true, value: found };
  }

  listAudit(actor: string, cursor: string | null): Result<Page<AuditEntry>, AdminRefusal> {
    const acting = this.requireAdmin(actor, "audit.list");
    if (!acting.ok) return acting;
    if (cursor !== null && !/^\d{1,15}$/.test(cursor)) return { ok: false, code: "bad_call" };
    const { audit } = this.#parts;
    if (cursor === null) audit.append({ type: "admin.audit_exported", actor: acting.value.person, by: actor });
    const entries = audit.after(Number(cursor ?? 0), AUDIT_PAGE_SIZE + 1);
    const items = entries.slice(0, AUDIT_PAGE_SIZE);
    const next = entries.length > AUDIT_PAGE_SIZE ? String(items.at(-1)?.id) : null;
    return { ok: true, value: { items, next } };
  }

  /** Only from the console itself: one command line does not make another. */
  async startCliSession(
    actor: string,
    from: { userAgent: string; clientAddress: string },
  ): Promise<Result<{ session: string; expiresAt: number }, AdminRefusal>> {
    const acting = this.whoActs(actor);
    if (!acting.ok) return acting;
    if (acting.value.kind !== "console") return this.#refuse(acting.value, "cli.start");
    const { sessions, audit } = this.#parts;
    const started = await sessions.startBeside(actor, "cli", acting.value.role, from);
    if (started === undefined) return { ok: false, code: "session_unknown" };
    audit.append({ type: "admin.cli_started", actor: acting.value.person, by: actor });
    return { ok: true, value: started };
  }

  /** One's own sessions need no role; whatever else needs an administrator. Nobody there to end is 0, not a refusal. */
  async revoke(actor: string, target: AdminTarget): Promise<Result<{ sessions: number }, AdminRefusal>> {
    const acting = this.whoActs(actor);
    if (!acting.ok) return acting;
    const { sessions, audit } = this.#parts;
    const { person: by, role } = acting.value;
    const person = this.#personOf(target);
    if (person === by && target !== "all") {
      const everywhere = "person" in target;
      const ended = await sessions.revoke(target, everywhere ? "signed_out_everywhere" : "signed_out");
      return { ok: true, value: { sessions: ended } };
    }
    if (role !== "admin") return this.#refuse(acting.value, "sessions.revoke");
    const ended = await sessions.revoke(target, "revoked");
    const who = { actor: by, by: actor };
    if (target === "all") audit.append({ type: "admin.all_revoked", ...who, sessions: ended });
    else if ("person" in target)
      audit.append({ type: "admin.person_revoked", ...who, person: target.person, sessions: ended });
    else if (ended > 0)
      audit.append({ type: "admin.session_revoked", ...who, person: person ?? "", session: target.session });
    return { ok: true, value: { sessions: ended } };
  }

  /** Whoever is not there is told as such: after a slip in a key nobody may believe that somebody is forgotten. */
  forget(actor: string, person: string): Result<{ sessions: number }, ForgetRefusal> {
    const acting = this.requireAdmin(actor, "people.forget");
    if (!acting.ok) return acting;
    const { sessions, people, audit, forgotten } = this.#parts;
    // It would end the very session that acts, and the next sign-in would bring everything back.
    if (person === acting.value.person) return { ok: false, code: "not_yourself" };
    if (people.find(person) === undefined) return { ok: false, code: "person_unknown" };
    const ended = sessions.forget(person);
    people.forget(person);
    audit.append({ type: "admin.person_forgotten", actor: acting.value.person, by: actor, person, sessions: ended });
    forgotten(person);
    return { ok: true, value: { sessions: ended } };
  }

  /** @param act what the audit calls it when it is refused */
  requireAdmin(actor: string, act: string): Result<Actor, AdminRefusal> {
    const acting = this.whoActs(actor);
    return !acting.ok || acting.value.role === "admin" ? acting : this.#refuse(acting.value, act);
  }

  #refuse({ person, handle }: Actor, act: string): { ok: false; code: "forbidden_by_role" } {
    this.#parts.audit.append({ type: "admin.refused", actor: person, by: handle, act });
    return { ok: false, code: "forbidden_by_role" };
  }

  /** @returns whose sessions are meant, or undefined: everybody's, or of nobody that is signed in */
  #personOf(target: AdminTarget): string | undefined {
    if (target === "all") return undefined;
    if ("person" in target) return target.person;
    const found = this.#parts.sessions.find(target.session, false, ["browser", ...CONSOLE_KINDS]);
    return found.ok ? found.session.person : undefined;
  }
}
