/** One shard of a tenant: sessions, roster, limits, audit, and the relay. Wiring only; each part is its own file. */
import { DurableObject } from "cloudflare:workers";
import type { Person } from "#protocol/identity.ts";
import { addressPrefix } from "#protocol/address-prefix.ts";
import { Admin } from "./admin/admin.ts";
import { AgentAdmin } from "./admin/agent-admin.ts";
import { AgentKeys } from "./agents/agent-keys.ts";
import { Enrolment } from "./agents/enrolment.ts";
import { EnrolmentTokens } from "./agents/enrolment-tokens.ts";
import { Audit } from "./audit/audit.ts";
import { Seldom } from "./audit/seldom.ts";
import { Limits } from "./limits/limits.ts";
import type { LimitName } from "./tenant-settings.ts";
import { PersonStore } from "./people/person-store.ts";
import { RosterNews } from "./people/roster-news.ts";
import { decide } from "./policy/access-policy.ts";
import { problem, rateLimited } from "./problem.ts";
import { Hold } from "./relay/hold.ts";
import { Relays } from "./relay/relays.ts";
import { openHead } from "./relay/open-head.ts";
import {
  AGENT_HEADER,
  RELAY_HEADER,
  SETTINGS_HEADER,
  type Actor,
  type AdminRefusal,
  type AdminTarget,
  type AgentCall,
  type AgentRefusal,
  type AgentView,
  type ApprovalRefusal,
  type AuditEntry,
  type EndReason,
  type Enrolled,
  type EnrolmentRefusal,
  type ForgetRefusal,
  type FormerSession,
  type KeyOffer,
  type ListedAgent,
  type ListedPerson,
  type ListedSession,
  type ListScope,
  type Page,
  type PersonRefusal,
  type ProviderLogout,
  type Readiness,
  type RelayCall,
  type Renewal,
  type RenewalOutcome,
  type Result,
  type RevokeTarget,
  type SessionRefusal,
  type SessionView,
  type SignIn,
  type SpentToken,
  type StartedSession,
  type StartRefusal,
  type TenantCall,
  type TokenRefusal,
  type TenantRpc,
} from "./rpc.ts";
import { migrate } from "./schema.ts";
import { lifetimeOfKind } from "./sessions/console-lifetime.ts";
import { hashSessionId } from "./sessions/session-id.ts";
import { Sessions } from "./sessions/sessions.ts";
import { Settings } from "./settings.ts";
import { socketsOf } from "./sockets.ts";
import type { TenantEnv } from "./tenant-env.ts";
import type { AgentAttachment } from "./tunnel/agent-attachment.ts";
import { AgentSeen } from "./tunnel/agent-seen.ts";
import { admitAgent } from "./tunnel/agent-register.ts";
import { AgentTunnel } from "./tunnel/agent-tunnel.ts";
import { challengeAgent } from "./tunnel/challenge-agent.ts";
import { gatewayPublicKey } from "./tunnel/gateway-key.ts";
import type { BrowserAttachment } from "./relay/browser-attachment.ts";

const now = () => Date.now();
const after = (delayMs: number, callback: () => void) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};
/** A page waits for an agent that left less than this ago. */
const HOLD_RECENT_MS = 60_000;

/** Requests of one person under way at once; the object's own bound is 4,096 streams. */
const MAX_REQUESTS_PER_PERSON = 256;

export class TenantObject extends DurableObject<TenantEnv> implements TenantRpc {
  #admin: Admin;
  #agentAdmin: AgentAdmin;
  #agentKeys: AgentKeys;
  #enrolment: Enrolment;
  #audit: Audit;
  #settings: Settings;
  #news: RosterNews;
  #sessions: Sessions;
  #people: PersonStore;
  #limits = new Limits(now, () => this.#settings.current.limits);
  #seldom = new Seldom(now);
  #agentSeen: AgentSeen;
  #tunnel: AgentTunnel;
  #relays: Relays;
  #hold = new Hold();

  constructor(ctx: DurableObjectState, env: TenantEnv) {
    super(ctx, env);
    migrate(ctx.storage);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { sql } = ctx.storage;
    this.#audit = new Audit(sql, now);
    this.#settings = new Settings(sql);
    this.#people = new PersonStore(sql, now, (key) => socketsOf(ctx, { person: key }).length > 0);
    this.#news = new RosterNews(this.#people, this.#audit, () => this.#tunnel);
    this.#sessions = new Sessions({
      sql,
      now,
      storageKey: env.STORAGE_KEY,
      lifetimeOf: (role, kind) => lifetimeOfKind(kind, this.#settings.current.lifetimes[role]),
      people: this.#people,
      audit: this.#audit,
      close: (hash) => {
        this.#relays.endSession(hash);
        this.#hold.endSession(hash);
        this.#tunnel.flush();
      },
      recorded: ({ person, changed, otherRole }) => {
        // Their scopes were fixed when they opened; the page opens another at once, with those of now.
        if (otherRole) this.#relays.endSockets({ person: person.key }, 1012, "role changed");
        if (changed) this.#news.tell(person);
      },
    });
    const tokens = new EnrolmentTokens(sql, now);
    this.#admin = new Admin({
      sql,
      now,
      audit: this.#audit,
      sessions: this.#sessions,
      people: this.#people,
      openSockets: (key) => socketsOf(ctx, { person: key }).length,
      forgotten: (key) => {
        this.#agentKeys.forgetPerson(key);
        tokens.forgetPerson(key);
        this.#news.tellForgotten(key);
      },
      mayAsk: (hash) => this.#limits.spend("requests", hash) === undefined,
    });
    this.#agentSeen = new AgentSeen(sql, now);
    const keys = (this.#agentKeys = new AgentKeys(sql, now));
    const disconnect = (agent: string) => this.#tunnel.disconnect(agent);
    this.#agentAdmin = new AgentAdmin({
      admin: this.#admin,
      keys,
      tokens,
      audit: this.#audit,
      now,
      isConnected: (agent) => this.#tunnel.roleOf(agent) !== null,
      disconnect,
    });
    this.#enrolment = new Enrolment({
      keys,
      tokens,
      audit: this.#audit,
      gatewayKey: (tenant) => gatewayPublicKey(env.STORAGE_KEY, tenant),
      roleOf: (agent) => this.#tunnel.roleOf(agent),
      disconnect,
    });
    this.#tunnel = new AgentTunnel(ctx, {
      now,
      after,
      findSink: (link, stream) => this.#relays.find(link, stream),
      activated: (link) => this.#news.tellAll(link),
      available: () => this.#hold.wakeAll(),
      changed: () => this.#agentChanged(),
      connected: (link) => {
        const { call, version, role } = link.record;
        if (!call.configured) this.#enrolment.used(call.agent, call.publicKey);
        this.#audit.append({ type: "agent.connected", agent: call.agent, version, role });
      },
      ended: (link, code) => {
        this.#audit.append({ type: "agent.disconnected", agent: link.record.call.agent, code });
        this.#relays.endLink(link);
      },
      superseded: (agent) => this.#audit.append({ type: "agent.superseded", agent }),
      written: (version, result) => this.#news.written(version, result),
      admit: (agent, boot, attempt) => admitAgent(sql, agent, boot, attempt),
      refused: (agent, code) => this.#audit.append({ type: "agent.refused", agent, code }),
    });
    this.#relays = new Relays(ctx, {
      findLink: (link) => this.#tunnel.find(link),
      denied: (person, { reason, method, count }) => {
        // The agent tells a few of many; that it tells no more than that is seen to here.
        if (this.#limits.spend("denials", person) !== undefined) return;
        this.#audit.append({ type: "request.denied", person, reason, method, count });
      },
      left: (person) => this.#news.left(person),
    });
  }

  /** Relays one request, or takes the agent's upgrade; the Worker has verified the caller either way. */
  override async fetch(request: Request): Promise<Response> {
    this.#apply(request.headers.get(SETTINGS_HEADER) ?? "");
    const relay = request.headers.get(RELAY_HEADER);
    if (relay !== null) return this.#relay(JSON.parse(relay) as RelayCall, request);
    const agent = request.headers.get(AGENT_HEADER);
    if (agent !== null) return this.#challenge(JSON.parse(agent) as AgentCall);
    return problem("bad_call");
  }

  async startSession(call: TenantCall, signIn: SignIn): Promise<Result<StartedSession, StartRefusal>> {
    this.#apply(call.settings);
    const { issuer, subject, clientAddress } = signIn;
    const exceeded =
      this.#limits.spend("signInsOfAddress", addressPrefix(clientAddress)) ??
      this.#limits.spend("signInsOfPerson", `${issuer} ${subject}`);
    // Whoever is stopped keeps the sessions they have.
    if (exceeded !== undefined) return { ok: false, code: "rate_limited" };
    const started = await this.#sessions.start(call.tenant, signIn);
    await this.#schedule();
    return started;
  }

  async endSession(call: TenantCall, session: string, reason: EndReason): Promise<Result<null>> {
    await this.revoke(call, { session: await hashSessionId(session) }, reason);
    return { ok: true, value: null };
  }

  async revoke(call: TenantCall, target: RevokeTarget, reason: EndReason): Promise<Result<{ sessions: number }>> {
    this.#apply(call.settings);
    const sessions = await this.#sessions.revoke(target, reason);
    await this.#schedule();
    return { ok: true, value: { sessions } };
  }

  async providerLogout(call: TenantCall, logout: ProviderLogout): Promise<Result<{ sessions: number }, "replayed">> {
    this.#apply(call.settings);
    const ended = await this.#sessions.providerLogout(logout);
    await this.#schedule();
    return ended;
  }

  async findSession(call: TenantCall, session: string): Promise<Result<SessionView, SessionRefusal>> {
    this.#apply(call.settings);
    return this.#sessions.view(session);
  }

  async beginRenewal(call: TenantCall, name: { id: string } | { hash: string }): Promise<Result<Renewal | null>> {
    this.#apply(call.settings);
    const hash = "id" in name ? await hashSessionId(name.id) : name.hash;
    return { ok: true, value: await this.#sessions.renewals.begin(call.tenant, hash) };
  }

  async finishRenewal(call: TenantCall, lease: string, outcome: RenewalOutcome): Promise<Result<null, "lease_lost">> {
    this.#apply(call.settings);
    const finished = await this.#sessions.renewals.finish(call.tenant, lease, outcome);
    await this.#schedule();
    return finished;
  }

  async dueRenewals(call: TenantCall, limit: number): Promise<Result<{ sessions: string[]; spent: boolean }>> {
    this.#apply(call.settings);
    const { renewals } = this.#sessions;
    const sessions = renewals.anyDue ? renewals.due(this.#relays.openSessions(), limit) : [];
    return { ok: true, value: { sessions, spent: renewals.anySpent } };
  }

  async takeSpentTokens(call: TenantCall, limit: number): Promise<Result<SpentToken[]>> {
    return { ok: true, value: await this.#sessions.renewals.takeSpent(call.tenant, limit) };
  }

  async findFormerSession(call: TenantCall, session: string): Promise<Result<FormerSession, "session_unknown">> {
    this.#apply(call.settings);
    return this.#sessions.findFormer(session);
  }

  async noticeSeen(call: TenantCall, session: string): Promise<Result<null, SessionRefusal>> {
    this.#apply(call.settings);
    const found = this.#sessions.find(await hashSessionId(session), false);
    if (!found.ok) return found;
    this.#people.noticed(found.session.person);
    return { ok: true, value: null };
  }

  async readiness(): Promise<Readiness> {
    return { agent: this.#tunnel.connected ? "connected" : "away", since: this.#agentSeen.at };
  }

  async whoActs(call: TenantCall, actor: string): Promise<Result<Actor, AdminRefusal>> {
    this.#apply(call.settings);
    return this.#admin.whoActs(await hashSessionId(actor));
  }

  async listSessions(
    call: TenantCall,
    actor: string,
    scope: ListScope,
    cursor: string | null,
  ): Promise<Result<Page<ListedSession>, AdminRefusal>> {
    this.#apply(call.settings);
    return this.#admin.listSessions(await hashSessionId(actor), scope, cursor);
  }

  async listPeople(
    call: TenantCall,
    actor: string,
    cursor: string | null,
  ): Promise<Result<Page<ListedPerson>, AdminRefusal>> {
    this.#apply(call.settings);
    return this.#admin.listPeople(await hashSessionId(actor), cursor);
  }

  async listAudit(
    call: TenantCall,
    actor: string,
    cursor: string | null,
  ): Promise<Result<Page<AuditEntry>, AdminRefusal>> {
    this.#apply(call.settings);
    return this.#admin.listAudit(await hashSessionId(actor), cursor);
  }

  async startCliSession(
    call: TenantCall,
    actor: string,
    from: { userAgent: string; clientAddress: string },
  ): Promise<Result<{ session: string; expiresAt: number }, AdminRefusal>> {
    this.#apply(call.settings);
    const started = await this.#admin.startCliSession(await hashSessionId(actor), from);
    await this.#schedule();
    return started;
  }

  async revokeAs(
    call: TenantCall,
    actor: string,
    target: AdminTarget,
  ): Promise<Result<{ sessions: number }, AdminRefusal>> {
    this.#apply(call.settings);
    const revoked = await this.#admin.revoke(await hashSessionId(actor), target);
    await this.#schedule();
    return revoked;
  }

  async findPerson(call: TenantCall, actor: string, person: string): Promise<Result<ListedPerson, PersonRefusal>> {
    this.#apply(call.settings);
    return this.#admin.findPerson(await hashSessionId(actor), person);
  }

  async forgetPerson(
    call: TenantCall,
    actor: string,
    person: string,
  ): Promise<Result<{ sessions: number }, ForgetRefusal>> {
    this.#apply(call.settings);
    const forgotten = this.#admin.forget(await hashSessionId(actor), person);
    await this.#schedule();
    return forgotten;
  }

  async decideEnrolment(
    call: TenantCall,
    actor: string,
    offer: KeyOffer,
    decision: "approve" | "deny",
  ): Promise<Result<null, ApprovalRefusal>> {
    this.#apply(call.settings);
    return this.#agentAdmin.decide(await hashSessionId(actor), offer, decision);
  }

  async startEnrolmentToken(
    call: TenantCall,
    actor: string,
  ): Promise<Result<{ id: string; expiresAt: number }, AdminRefusal | "too_many_tokens">> {
    this.#apply(call.settings);
    return this.#agentAdmin.makeToken(await hashSessionId(actor));
  }

  async listAgents(call: TenantCall, actor: string): Promise<Result<ListedAgent[], AdminRefusal>> {
    this.#apply(call.settings);
    return this.#agentAdmin.list(await hashSessionId(actor));
  }

  async renameAgent(call: TenantCall, actor: string, agent: string, name: string): Promise<Result<null, AgentRefusal>> {
    this.#apply(call.settings);
    return this.#agentAdmin.rename(await hashSessionId(actor), agent, name);
  }

  async revokeAgent(call: TenantCall, actor: string, agent: string): Promise<Result<null, AgentRefusal>> {
    this.#apply(call.settings);
    return this.#agentAdmin.revoke(await hashSessionId(actor), agent);
  }

  async enrolment(call: TenantCall, publicKey: string): Promise<Result<Enrolled, EnrolmentRefusal>> {
    return this.#enrolment.find(call.tenant, publicKey);
  }

  async enrolByToken(call: TenantCall, token: string, offer: KeyOffer): Promise<Result<Enrolled, TokenRefusal>> {
    return this.#enrolment.byToken(call.tenant, token, offer);
  }

  async viewAgent(_call: TenantCall, agent: string, publicKey: string): Promise<Result<AgentView, "agent_refused">> {
    return this.#enrolment.view(agent, publicKey);
  }

  async replaceKey(
    _call: TenantCall,
    agent: string,
    publicKey: string,
    next: string,
  ): Promise<Result<null, "agent_refused" | "key_enrolled" | "key_revoked">> {
    return this.#enrolment.replaceKey(agent, publicKey, next);
  }

  async leaveAgent(_call: TenantCall, agent: string, publicKey: string): Promise<Result<null, "agent_refused">> {
    return this.#enrolment.leave(agent, publicKey);
  }

  override async webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): Promise<void> {
    const attachment = socket.deserializeAttachment() as AgentAttachment | BrowserAttachment | null;
    if (attachment === null) return;
    this.#relays.restore();
    if (attachment.kind === "agent") {
      await this.#tunnel.receive(socket, attachment, message);
      return this.#relays.shedSlowest();
    }
    // What somebody does in a chat is use of their session; pings are answered by the platform and do not come here.
    if (!this.#sessions.find(attachment.session, true).ok) return this.#sessions.expire();
    const relay = this.#relays.of(socket, attachment);
    const exceeded = this.#limits.spend("messages", attachment.person);
    if (exceeded === undefined) relay?.message(message);
    else relay?.close(1008, "too many messages", 1001);
    this.#tunnel.flush();
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    const attachment = socket.deserializeAttachment() as AgentAttachment | BrowserAttachment | null;
    if (attachment?.kind === "agent") this.#tunnel.closed(socket, attachment, code);
    else if (attachment?.kind === "browser") this.#relays.closed(socket, attachment, code, reason);
    try {
      // The platform does not answer a close frame by itself (facts/workers section 3.2).
      socket.close(code === 1005 || code === 1006 ? 1000 : code, reason);
    } catch {
      // Closed already.
    }
    this.#tunnel.flush();
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  /** Ends sessions and cut links whose time is over; the one alarm is always set to the next of them. */
  override async alarm(): Promise<void> {
    this.#tunnel.expire();
    this.#tunnel.flush();
    this.#sessions.expire();
    await this.#schedule();
  }

  /** Changed lifetimes and policy apply to what is open at once. */
  #apply(settings: string): void {
    if (!this.#settings.apply(settings)) return;
    this.#sessions.recalculate();
    const { policy } = this.#settings.current;
    for (const socket of socketsOf(this.ctx, "browsers")) {
      const { person: key } = socket.deserializeAttachment() as BrowserAttachment;
      const person = this.#people.find(key);
      if (person !== undefined && decide({ routeClass: "gateway" }, person, policy).allow) continue;
      this.#relays.endSockets({ person: key }, 1008, "not allowed any more");
    }
    this.#tunnel.flush();
    void this.#schedule();
  }

  /** The Worker knows that the key was enrolled once; whether it still is, is known here. */
  #challenge(call: AgentCall): Response | Promise<Response> {
    if (!call.configured && !this.#agentKeys.isActive(call.agent, call.publicKey)) return problem("agent_refused");
    return challengeAgent(this.ctx, this.env.STORAGE_KEY, call, now());
  }

  async #relay(call: RelayCall, request: Request): Promise<Response> {
    const hash = await hashSessionId(call.session);
    const upgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    let person = this.#admit(call, hash, upgrade ? "upgrades" : "requests");
    if (person instanceof Response) return person;
    if (call.renewed !== true && this.#sessions.renewals.isDue(hash)) {
      if (!(await this.#sessions.renewals.settled(hash))) return problem("renewal_due");
      person = this.#admit(call, hash, null);
      if (person instanceof Response) return person;
    }
    if (!this.#tunnel.connected && this.#mayHold(upgrade)) {
      await this.#hold.wait(hash, request.signal);
      // Much may have happened meanwhile: nothing that was true before the wait is taken for granted.
      person = this.#admit(call, hash, null);
      if (person instanceof Response) return person;
    }
    const full = this.#isFull(person.key, upgrade);
    if (full !== null) return problem(full, 2_000);
    const link = this.#tunnel.active;
    if (request.signal.aborted || link?.connected !== true) return problem("workspace_away", 2_000);
    // The roster shows people with an open socket first, so it is told before the OPEN that makes them one.
    if (upgrade && !person.active) this.#news.tell({ ...person, active: true }, true);
    const credit = this.#relays.budget.grantWindow();
    const { clientAddress } = this.#settings.current;
    const kind = upgrade ? "ws" : "http";
    const head = openHead(kind, call, request, person, this.#people.version(), credit, clientAddress);
    if (head === null) {
      this.#relays.budget.releaseWindow(credit);
      return problem("bad_call");
    }
    const maxBodyBytes = this.#settings.current.limits.bodyBytes;
    return upgrade
      ? this.#relays.upgrade(link, head, hash, person.key, request.signal)
      : this.#relays.http(link, head, { session: hash, person: person.key }, request, maxBodyBytes);
  }

  /** @returns the person, when the session is live, within its limits, and policy allows the request; else the refusal */
  #admit(call: RelayCall, hash: string, limit: LimitName | null): Person | Response {
    const found = this.#sessions.find(hash, true);
    if (!found.ok) return problem(found.code);
    const person = this.#people.find(found.session.person);
    if (person === undefined) return problem("session_unknown");
    const exceeded = limit === null ? undefined : this.#limits.spend(limit, person.key);
    if (exceeded !== undefined) return rateLimited(exceeded);
    const decision = decide(call, person, this.#settings.current.policy);
    if (decision.allow) return person;
    const { code } = decision;
    const { key } = person;
    const { routeClass } = call;
    if (this.#seldom.admits(`${key} ${routeClass}`)) {
      this.#audit.append({ type: "request.refused", person: key, code, routeClass });
    }
    return problem(code);
  }

  /** Nobody holds so much open that others find no room. */
  #isFull(person: string, upgrade: boolean): "too_many_sockets" | "too_many_streams" | null {
    const { sockets, requests } = this.#relays.countOf(person);
    if (upgrade) return sockets >= this.#settings.current.limits.socketsPerPerson ? "too_many_sockets" : null;
    return requests >= MAX_REQUESTS_PER_PERSON ? "too_many_streams" : null;
  }

  /** An agent that has just left is likely to be back; for one that is long gone only sockets wait, which retry. */
  #mayHold(upgrade: boolean): boolean {
    const since = this.#agentSeen.at;
    return since !== null && (upgrade || now() - since < HOLD_RECENT_MS);
  }

  #agentChanged(): void {
    // A failed alarm write is the platform's to report; the next event sets it anew.
    void this.#schedule();
    this.#agentSeen.changed();
  }

  async #schedule(): Promise<void> {
    const due = [this.#sessions.nextDueAt, this.#tunnel.nextDueAt].filter((at) => at !== null);
    if (due.length === 0) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Math.min(...due));
  }
}
