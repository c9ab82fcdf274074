/** The life of sessions, from sign-in to whatever ends them; each end closes at once all that the session has open. */
import type { Role } from "#protocol/identity.ts";
import type { Audit } from "../audit/audit.ts";
import { personKey, type PersonStore, type Recorded } from "../people/person-store.ts";
import type {
  EndReason,
  FormerSession,
  ProviderLogout,
  Result,
  RevokeTarget,
  SessionKind,
  SessionRefusal,
  SessionView,
  SignIn,
  StartedSession,
  StartRefusal,
} from "../rpc.ts";
import { hashSessionId, newSessionId } from "./session-id.ts";
import { LogoutTokens } from "./logout-tokens.ts";
import { RENEW_AFTER_MS, Renewals } from "./renewals.ts";
import { type FoundSession, type LifetimeOf, SessionStore } from "./session-store.ts";
import { TokenVault } from "./token-vault.ts";

export interface SessionParts {
  sql: SqlStorage;
  now: () => number;
  storageKey: string;
  lifetimeOf: LifetimeOf;
  people: PersonStore;
  audit: Audit;
  /** Closes everything that a session has open or waiting. */
  close: (hash: string) => void;
  /** A sign-in or a renewal said something about a person. */
  recorded: (recorded: Recorded & { ok: true }) => void;
}

export class Sessions {
  readonly renewals: Renewals;
  #parts: SessionParts;
  #store: SessionStore;
  #vault: TokenVault;
  #logoutTokens: LogoutTokens;
  /** Sign-ins under way. */
  #starting = new Set<SignIn>();

  constructor(parts: SessionParts) {
    const { sql, now, lifetimeOf, storageKey } = parts;
    this.#parts = parts;
    this.#store = new SessionStore(sql, now, lifetimeOf);
    this.#logoutTokens = new LogoutTokens(sql, now);
    this.#vault = new TokenVault(storageKey);
    this.renewals = new Renewals({
      ...parts,
      store: this.#store,
      vault: this.#vault,
      end: (hash, reason) => void this.end(hash, reason),
    });
  }

  /** A new id at every sign-in; the browser's former session ends with it. */
  async start(tenant: string, signIn: SignIn): Promise<Result<StartedSession, StartRefusal>> {
    this.#starting.add(signIn);
    try {
      return await this.#start(tenant, signIn);
    } finally {
      this.#starting.delete(signIn);
    }
  }

  async #start(tenant: string, signIn: SignIn): Promise<Result<StartedSession, StartRefusal>> {
    const { people, audit, now } = this.#parts;
    const key = await personKey(signIn.issuer, signIn.subject);
    const replaced = signIn.replaces === null ? null : await hashSessionId(signIn.replaces);
    const session = newSessionId();
    const hash = await hashSessionId(session);
    const { refreshToken } = signIn;
    const token = refreshToken === null ? null : await this.#vault.seal(tenant, hash, refreshToken);
    const renewed = signIn.renews === null ? null : await hashSessionId(signIn.renews);
    // From here on nothing waits: what is read is what is changed.
    if (!this.#starting.has(signIn)) return { ok: false, code: "session_revoked" };
    if (renewed !== null && this.#store.findFormer(renewed)?.person !== key) {
      audit.append({ type: "session.not_renewed", person: key, session: renewed });
      return { ok: false, code: "other_person" };
    }
    const recorded = people.record(key, signIn);
    if (!recorded.ok) {
      const { code, holder } = recorded;
      audit.append({ type: "identity.conflict", issuer: signIn.issuer, person: key, holder });
      return { ok: false, code };
    }
    const former = replaced === null ? undefined : this.#store.findFormer(replaced);
    // A provider's own session can turn one person's page into another's without a question.
    const notice = recorded.firstVisit || (former !== undefined && former.person !== key);
    if (replaced !== null) this.end(replaced, "replaced");
    const expiresAt = this.#store.create(hash, key, signIn, token && { token, at: now() + RENEW_AFTER_MS });
    audit.append({ type: "session.created", person: key, session: hash });
    if (recorded.otherRole) this.#store.changeRole(key, signIn.role);
    this.#parts.recorded(recorded);
    return { ok: true, value: { session, expiresAt, notice } };
  }

  /** Another session of the same person and sign-in, of another kind. @returns undefined when there is none any more */
  async startBeside(
    hash: string,
    kind: SessionKind,
    role: Role,
    from: { userAgent: string; clientAddress: string },
  ): Promise<{ session: string; expiresAt: number } | undefined> {
    const session = newSessionId();
    const own = await hashSessionId(session);
    const found = this.#store.find(hash, false);
    const named = found.ok ? this.#parts.people.nameAtProvider(found.session.person) : undefined;
    if (!found.ok || named === undefined) return undefined;
    const { person, provider, email, name } = found.session;
    const signIn = { kind, ...named, provider, email, name, role, ...from };
    const rest = { groups: [], refreshToken: null, providerSessionId: null, replaces: null, renews: null };
    const expiresAt = this.#store.create(own, person, { ...signIn, ...rest }, null);
    this.#parts.audit.append({ type: "session.created", person, session: own });
    return { session, expiresAt };
  }

  /**
   * Asks whether a session is live, and of a kind that opens what it is wanted for; one of another kind is unknown.
   * @param touch this counts as activity in it
   */
  find(hash: string, touch: boolean, kinds: readonly SessionKind[] = ["browser"]): FoundSession {
    const found = this.#store.find(hash, false);
    if (!found.ok || kinds.includes(found.session.kind))
      return found.ok && touch ? this.#store.find(hash, true) : found;
    return { ok: false, code: "session_unknown" };
  }

  async view(session: string): Promise<Result<SessionView, SessionRefusal>> {
    const found = this.find(await hashSessionId(session), false);
    if (!found.ok) return found;
    const { person, issuer, provider, email, name, role, createdAt, lastSeenAt, dueAt: idleExpiresAt } = found.session;
    const expiresAt = this.#store.lastAt(found.session);
    const user = this.#parts.people.find(person)?.user ?? "";
    const times = { createdAt, lastSeenAt, idleExpiresAt, expiresAt };
    return { ok: true, value: { person, issuer, provider, email, name, role, user, ...times } };
  }

  async findFormer(session: string): Promise<Result<FormerSession, "session_unknown">> {
    const former = this.#store.findFormer(await hashSessionId(session));
    if (former === undefined) return { ok: false, code: "session_unknown" };
    const { provider, issuer, email } = former;
    return { ok: true, value: { provider, issuer, email } };
  }

  /** @returns whether a live session was ended by this call */
  end(hash: string, reason: EndReason): boolean {
    if (!this.#store.end(hash, reason)) return false;
    this.#parts.audit.append({ type: "session.ended", session: hash, reason });
    this.#parts.close(hash);
    this.renewals.wake(hash);
    return true;
  }

  /** @returns how many sessions ended */
  async revoke(target: RevokeTarget, reason: EndReason): Promise<number> {
    const hashes = await this.#targeted(target);
    return hashes.filter((hash) => this.end(hash, reason)).length;
  }

  /** Ends everything of a person's, sign-ins under way too, and what is stored of it. @returns how many sessions ended */
  forget(person: string): number {
    const named = this.#parts.people.nameAtProvider(person);
    for (const signIn of this.#starting) {
      if (signIn.issuer === named?.issuer && signIn.subject === named.subject) this.#starting.delete(signIn);
    }
    const ended = this.#store.unended({ person }).filter((hash) => this.end(hash, "revoked"));
    this.#store.forget(person);
    return ended.length;
  }

  /** The token is used up before anything ends by it: it may come again while this waits. */
  async providerLogout(logout: ProviderLogout): Promise<Result<{ sessions: number }, "replayed">> {
    const { issuer, subject, providerSessionId, tokenId } = logout;
    if (!this.#logoutTokens.use(issuer, tokenId)) return { ok: false, code: "replayed" };
    const target = providerSessionId === null ? { issuer, subject: subject ?? "" } : { issuer, providerSessionId };
    return { ok: true, value: { sessions: await this.revoke(target, "provider_logout") } };
  }

  /** Ends what is over by itself, and forgets what nobody can ask for any more. */
  expire(): void {
    for (const hash of this.#store.overdue()) this.end(hash, "expired");
    this.#store.sweep();
  }

  /** The tenant's lifetimes have changed: what is over by the new ones ends now. */
  recalculate(): void {
    this.#store.recalculate();
    this.expire();
  }

  get nextDueAt(): number | null {
    return this.#store.nextDueAt();
  }

  async #targeted(target: RevokeTarget): Promise<string[]> {
    if (target === "all" || "person" in target || "assistantsOf" in target || "providerSessionId" in target)
      return this.#store.unended(target);
    if ("session" in target) return [target.session];
    return this.#store.unended({ person: await personKey(target.issuer, target.subject) });
  }
}
