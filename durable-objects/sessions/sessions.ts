/** The life of sessions, from sign-in to whatever ends them; each end closes at once all that the session has open. */
import type { Audit } from "../audit/audit.ts";
import { personKey, type PersonStore, type Recorded } from "../people/person-store.ts";
import type { EndReason, Result, RevokeTarget, SessionRefusal, SessionView, SignIn, StartRefusal } from "../rpc.ts";
import { hashSessionId, newSessionId } from "./session-id.ts";
import type { FoundSession, SessionStore } from "./session-store.ts";

export interface SessionParts {
  store: SessionStore;
  people: PersonStore;
  audit: Audit;
  /** Closes everything that a session has open or waiting. */
  close: (hash: string) => void;
  /** A sign-in said something about a person. */
  recorded: (recorded: Recorded & { ok: true }) => void;
}

export class Sessions {
  #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** A new id at every sign-in; the browser's former session ends with it. */
  async start(signIn: SignIn): Promise<Result<{ session: string; expiresAt: number }, StartRefusal>> {
    const { store, people, audit } = this.#parts;
    const key = await personKey(signIn.issuer, signIn.subject);
    const replaced = signIn.replaces === null ? null : await hashSessionId(signIn.replaces);
    const session = newSessionId();
    const hash = await hashSessionId(session);
    const recorded = people.record(key, signIn);
    if (!recorded.ok) {
      audit.append({ type: "identity.conflict", issuer: signIn.issuer });
      return recorded;
    }
    if (replaced !== null) this.end(replaced, "replaced");
    const expiresAt = store.create(hash, key, signIn);
    audit.append({ type: "session.created", person: key, session: hash });
    if (recorded.otherRole) store.changeRole(key, signIn.role);
    this.#parts.recorded(recorded);
    return { ok: true, value: { session, expiresAt } };
  }

  /** Asks whether a session is live; `touch` counts this as activity in it. */
  find(hash: string, touch: boolean): FoundSession {
    return this.#parts.store.find(hash, touch);
  }

  async view(session: string): Promise<Result<SessionView, SessionRefusal>> {
    const found = this.find(await hashSessionId(session), false);
    if (!found.ok) return found;
    const { issuer, email, name, role, person, createdAt, lastSeenAt, dueAt: idleExpiresAt } = found.session;
    const expiresAt = this.#parts.store.lastAt(found.session);
    const user = this.#parts.people.find(person)?.user ?? "";
    return {
      ok: true,
      value: { issuer, email, name, role, user, createdAt, lastSeenAt, idleExpiresAt, expiresAt },
    };
  }

  /** @returns whether a live session was ended by this call */
  end(hash: string, reason: EndReason): boolean {
    if (!this.#parts.store.end(hash, reason)) return false;
    this.#parts.audit.append({ type: "session.ended", session: hash, reason });
    this.#parts.close(hash);
    return true;
  }

  /** @returns how many sessions ended */
  async revoke(target: RevokeTarget, reason: EndReason): Promise<number> {
    const hashes = await this.#targeted(target);
    return hashes.filter((hash) => this.end(hash, reason)).length;
  }

  /** Ends what is over by itself, and forgets what nobody can ask for any more. */
  expire(): void {
    for (const hash of this.#parts.store.overdue()) this.end(hash, "expired");
    this.#parts.store.sweep();
  }

  /** The tenant's lifetimes have changed: what is over by the new ones ends now. */
  recalculate(): void {
    this.#parts.store.recalculate();
    this.expire();
  }

  get nextDueAt(): number | null {
    return this.#parts.store.nextDueAt();
  }

  async #targeted(target: RevokeTarget): Promise<string[]> {
    const { store } = this.#parts;
    if (target === "all" || "person" in target || "providerSessionId" in target) return store.unended(target);
    if ("session" in target) return [target.session];
    return store.unended({ person: await personKey(target.issuer, target.subject) });
  }
}
