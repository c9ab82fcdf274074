/** One shard of a tenant: sessions, roster, limits, audit, and the relay. Wiring only; each part is its own file. */
import { DurableObject } from "cloudflare:workers";
import type { Person } from "#protocol/identity.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { Audit } from "./audit/audit.ts";
import { Limits } from "./limits/limits.ts";
import { PersonStore, personKey } from "./people/person-store.ts";
import { decide } from "./policy/access-policy.ts";
import { problem } from "./problem.ts";
import { Hold } from "./relay/hold.ts";
import { Relays } from "./relay/relays.ts";
import { openHead } from "./relay/open-head.ts";
import {
  AGENT_HEADER,
  RELAY_HEADER,
  SETTINGS_HEADER,
  type AgentCall,
  type Readiness,
  type RelayCall,
  type Result,
  type SessionRefusal,
  type SessionView,
  type SignIn,
  type StartRefusal,
  type TenantCall,
  type TenantRpc,
} from "./rpc.ts";
import { migrate } from "./schema.ts";
import { IDLE_LIFETIME_MS } from "./sessions/expiry.ts";
import { hashSessionId, newSessionId } from "./sessions/session-id.ts";
import { SessionStore } from "./sessions/session-store.ts";
import { Settings } from "./settings.ts";
import { socketsOf } from "./sockets.ts";
import type { TenantEnv } from "./tenant-env.ts";
import type { AgentAttachment } from "./tunnel/agent-attachment.ts";
import type { AgentLink } from "./tunnel/agent-link.ts";
import { admitAgent } from "./tunnel/agent-register.ts";
import { AgentTunnel } from "./tunnel/agent-tunnel.ts";
import { deriveGatewayKey } from "./tunnel/gateway-key.ts";
import { newChallenge, signChallenge } from "./tunnel/handshake.ts";
import type { BrowserAttachment } from "./relay/browser-attachment.ts";

const now = () => Date.now();
const after = (delayMs: number, callback: () => void) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};
/** A page waits for an agent that left less than this ago. */
const HOLD_RECENT_MS = 60_000;

export class TenantObject extends DurableObject<TenantEnv> implements TenantRpc {
  #audit: Audit;
  #settings: Settings;
  #sessions: SessionStore;
  #people: PersonStore;
  #limits = new Limits(now);
  #tunnel: AgentTunnel;
  #relays: Relays;
  #hold = new Hold();
  /** Latest roster version that an agent could not write. */
  #unwritable = -1;

  constructor(ctx: DurableObjectState, env: TenantEnv) {
    super(ctx, env);
    migrate(ctx.storage);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { sql } = ctx.storage;
    this.#audit = new Audit(sql, now);
    this.#settings = new Settings(sql);
    this.#sessions = new SessionStore(sql, now);
    this.#people = new PersonStore(sql, now, (key) => socketsOf(ctx, { person: key }).length > 0);
    this.#tunnel = new AgentTunnel(ctx, {
      now,
      after,
      findSink: (link, stream) => this.#relays.find(link, stream),
      activated: (link) => this.#tellRoster(link),
      available: () => this.#hold.wakeAll(),
      changed: () => this.#agentChanged(),
      connected: (link) => {
        const { call, version, role } = link.record;
        this.#audit.append({ type: "agent.connected", agent: call.agent, version, role });
      },
      ended: (link, code) => {
        this.#audit.append({ type: "agent.disconnected", agent: link.record.call.agent, code });
        this.#relays.endLink(link);
      },
      superseded: (agent) => this.#audit.append({ type: "agent.superseded", agent }),
      written: (version, result) => {
        // Once per version that there is: the agent may repeat itself, and must not push other events out.
        if (result !== "unwritable" || version <= this.#unwritable || version > this.#people.version()) return;
        this.#unwritable = version;
        this.#audit.append({ type: "identity.unwritable", version });
      },
      admit: (agent, boot, attempt) => admitAgent(sql, agent, boot, attempt),
      refused: (agent, code) => this.#audit.append({ type: "agent.refused", agent, code }),
    });
    this.#relays = new Relays(ctx, {
      findLink: (link) => this.#tunnel.find(link),
      denied: (person, { reason, method, count }) => {
        // The agent tells a few of many; that it tells no more than that is seen to here.
        if (this.#limits.spend("denials", person) > 0) return;
        this.#audit.append({ type: "request.denied", person, reason, method, count });
      },
      left: (person) => this.#presenceChanged(person),
    });
  }

  /** Relays one request, or takes the agent's upgrade; the Worker has verified the caller either way. */
  override async fetch(request: Request): Promise<Response> {
    this.#apply(request.headers.get(SETTINGS_HEADER) ?? "");
    const relay = request.headers.get(RELAY_HEADER);
    if (relay !== null) return this.#relay(JSON.parse(relay) as RelayCall, request);
    const agent = request.headers.get(AGENT_HEADER);
    if (agent !== null) return this.#connectAgent(JSON.parse(agent) as AgentCall);
    return problem("bad_call");
  }

  async startSession(
    call: TenantCall,
    signIn: SignIn,
  ): Promise<Result<{ session: string; expiresAt: number }, StartRefusal>> {
    this.#apply(call.settings);
    const key = await personKey(signIn.issuer, signIn.subject);
    const replaced = signIn.replaces === null ? null : await hashSessionId(signIn.replaces);
    const session = newSessionId();
    const hash = await hashSessionId(session);
    const recorded = this.#people.record(key, signIn);
    if (!recorded.ok) {
      this.#audit.append({ type: "identity.conflict", issuer: signIn.issuer });
      return recorded;
    }
    if (replaced !== null) this.#end(replaced, "replaced");
    const expiresAt = this.#sessions.create(hash, key, signIn);
    this.#audit.append({ type: "session.created", person: key, session: hash });
    // Their scopes were fixed when they opened; the page opens another at once, with those of now.
    if (recorded.otherRole) this.#relays.endSockets({ person: key }, 1012, "role changed");
    if (recorded.changed) this.#tell(recorded.person);
    await this.#schedule();
    return { ok: true, value: { session, expiresAt } };
  }

  async endSession(
    call: TenantCall,
    session: string,
    reason: "signed_out" | "replaced" | "revoked",
  ): Promise<Result<null>> {
    this.#apply(call.settings);
    this.#end(await hashSessionId(session), reason);
    await this.#schedule();
    return { ok: true, value: null };
  }

  async findSession(call: TenantCall, session: string): Promise<Result<SessionView, SessionRefusal>> {
    this.#apply(call.settings);
    const found = this.#sessions.find(await hashSessionId(session), false);
    if (!found.ok) return found;
    const { issuer, email, name, role, person, createdAt, lastSeenAt, expiresAt } = found.session;
    const user = this.#people.find(person)?.user ?? "";
    const idleExpiresAt = Math.min(lastSeenAt + IDLE_LIFETIME_MS, expiresAt);
    return {
      ok: true,
      value: { issuer, email, name, role, user, createdAt, lastSeenAt, idleExpiresAt, expiresAt },
    };
  }

  async readiness(): Promise<Readiness> {
    return { agent: this.#tunnel.connected ? "connected" : "away", since: this.#agentChangedAt() };
  }

  override async webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): Promise<void> {
    const attachment = socket.deserializeAttachment() as AgentAttachment | BrowserAttachment | null;
    if (attachment === null) return;
    this.#relays.restore();
    if (attachment.kind === "agent") {
      await this.#tunnel.receive(socket, attachment, message);
      return this.#relays.shedSlowest();
    }
    this.#relays.of(socket, attachment)?.message(message);
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
    for (const hash of this.#sessions.overdue()) this.#end(hash, "expired");
    this.#sessions.sweep();
    await this.#schedule();
  }

  /** A changed policy applies to open sockets at once. */
  #apply(settings: string): void {
    if (!this.#settings.apply(settings)) return;
    const { policy } = this.#settings.current;
    for (const socket of socketsOf(this.ctx, "browsers")) {
      const { person: key } = socket.deserializeAttachment() as BrowserAttachment;
      const person = this.#people.find(key);
      if (person !== undefined && decide({ routeClass: "gateway" }, person, policy).allow) continue;
      this.#relays.endSockets({ person: key }, 1008, "not allowed any more");
    }
    this.#tunnel.flush();
  }

  async #relay(call: RelayCall, request: Request): Promise<Response> {
    const hash = await hashSessionId(call.session);
    const upgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const waitMs = this.#limits.spend(upgrade ? "upgrades" : "requests", hash);
    let person = this.#admit(call, hash);
    if (person instanceof Response) return person;
    if (waitMs > 0) return problem("rate_limited", waitMs);
    if (!this.#tunnel.connected && this.#mayHold(upgrade)) {
      await this.#hold.wait(hash, request.signal);
      // Much may have happened meanwhile: nothing that was true before the wait is taken for granted.
      person = this.#admit(call, hash);
      if (person instanceof Response) return person;
    }
    const link = this.#tunnel.active;
    if (request.signal.aborted || link?.connected !== true) return problem("workspace_away", 2_000);
    // The roster shows people with an open socket first, so it is told before the OPEN that makes them one.
    if (upgrade && !person.active) this.#tell({ ...person, active: true }, true);
    const credit = this.#relays.budget.grantWindow();
    const head = openHead(upgrade ? "ws" : "http", call, request, person, this.#people.version(), credit);
    if (head === null) {
      this.#relays.budget.releaseWindow(credit);
      return problem("bad_call");
    }
    return upgrade
      ? this.#relays.upgrade(link, head, hash, person.key, request.signal)
      : this.#relays.http(link, head, hash, request);
  }

  /** @returns the person, when the session is live and policy allows the request; else the refusal */
  #admit(call: RelayCall, hash: string): Person | Response {
    const found = this.#sessions.find(hash, true);
    if (!found.ok) return problem(found.code);
    const person = this.#people.find(found.session.person);
    if (person === undefined) return problem("session_unknown");
    const decision = decide(call, person, this.#settings.current.policy);
    if (decision.allow) return person;
    const { code } = decision;
    this.#audit.append({ type: "request.refused", person: person.key, code, routeClass: call.routeClass });
    return problem(code);
  }

  /** An agent that has just left is likely to be back; for one that is long gone only sockets wait, which retry. */
  #mayHold(upgrade: boolean): boolean {
    const since = this.#agentChangedAt();
    return since !== null && (upgrade || now() - since < HOLD_RECENT_MS);
  }

  async #connectAgent(call: AgentCall): Promise<Response> {
    const key = await deriveGatewayKey(this.env.STORAGE_KEY, call.tenant);
    const challenge = newChallenge(call, now());
    const message = await signChallenge(key, challenge);
    for (const socket of socketsOf(this.ctx, "agent")) {
      // One unproven connection at a time: a stranger with a valid assertion cannot pile them up.
      const attachment = socket.deserializeAttachment() as AgentAttachment;
      if (attachment.phase !== "challenged" || attachment.call.agent !== call.agent) continue;
      socket.close(1008, "another connection came");
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, ["agent"]);
    server.serializeAttachment({ kind: "agent", phase: "challenged", call, challenge } satisfies AgentAttachment);
    server.send(message);
    const headers = { "sec-websocket-protocol": SUBPROTOCOL, "sec-websocket-extensions": "none" };
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  #tellRoster(link: AgentLink): void {
    link.queue({ type: "roster", stream: 0, version: this.#people.version(), people: this.#people.roster() });
  }

  #agentChangedAt(): number | null {
    const row = this.ctx.storage.sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE name = 'agent_changed_at'")
      .toArray()[0];
    return row === undefined ? null : Number(row.value);
  }

  #agentChanged(): void {
    // A failed alarm write is the platform's to report; the next event sets it anew.
    void this.#schedule();
    this.ctx.storage.sql.exec(
      "INSERT INTO meta (name, value) VALUES ('agent_changed_at', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      String(now()),
    );
  }

  /** Tells the agent about one person; `raise` when nothing stored has changed, only who is here. */
  #tell(person: Person, raise = false): void {
    const version = raise ? this.#people.raiseVersion() : this.#people.version();
    this.#tunnel.active?.queue({ type: "identity", stream: 0, version, person });
    this.#tunnel.flush();
  }

  #presenceChanged(key: string): void {
    const person = this.#people.find(key);
    if (person !== undefined && !person.active) this.#tell(person, true);
  }

  #end(hash: string, reason: string): void {
    if (!this.#sessions.end(hash, reason)) return;
    this.#audit.append({ type: "session.ended", session: hash, reason });
    this.#relays.endSession(hash);
    this.#hold.endSession(hash);
    this.#tunnel.flush();
  }

  async #schedule(): Promise<void> {
    const due = [this.#sessions.nextDueAt(), this.#tunnel.nextDueAt].filter((at) => at !== null);
    if (due.length === 0) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Math.min(...due));
  }
}
