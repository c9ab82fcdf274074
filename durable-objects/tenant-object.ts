/** One shard of a tenant: sessions, roster, limits, audit, and the relay. Wiring only; each part is its own file. */
import { DurableObject } from "cloudflare:workers";
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";
import type { Person } from "#protocol/identity.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { Audit } from "./audit/audit.ts";
import { Limits } from "./limits/limits.ts";
import { PersonStore, personKey } from "./people/person-store.ts";
import { decide } from "./policy/access-policy.ts";
import { problem } from "./problem.ts";
import { Relays } from "./relay/relays.ts";
import { openHead } from "./relay/open-head.ts";
import {
  AGENT_HEADER,
  RELAY_HEADER,
  type AgentCall,
  type Readiness,
  type RelayCall,
  type Result,
  type SessionRefusal,
  type SessionView,
  type SignIn,
  type StartRefusal,
  type TenantRpc,
} from "./rpc.ts";
import { migrate } from "./schema.ts";
import { IDLE_LIFETIME_MS } from "./sessions/expiry.ts";
import { hashSessionId, newSessionId } from "./sessions/session-id.ts";
import { SessionStore } from "./sessions/session-store.ts";
import { socketsOf } from "./sockets.ts";
import type { TenantEnv } from "./tenant-env.ts";
import type { AgentAttachment } from "./tunnel/agent-attachment.ts";
import { admitAgent } from "./tunnel/agent-register.ts";
import { AgentTunnel } from "./tunnel/agent-tunnel.ts";
import { deriveGatewayKey } from "./tunnel/gateway-key.ts";
import { newChallenge, signChallenge } from "./tunnel/handshake.ts";
import type { BrowserAttachment } from "./relay/browser-attachment.ts";

const now = () => Date.now();

export class TenantObject extends DurableObject<TenantEnv> implements TenantRpc {
  #audit: Audit;
  #sessions: SessionStore;
  #people: PersonStore;
  #limits = new Limits(now);
  #tunnel: AgentTunnel;
  #relays: Relays;

  constructor(ctx: DurableObjectState, env: TenantEnv) {
    super(ctx, env);
    migrate(ctx.storage);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { sql } = ctx.storage;
    this.#audit = new Audit(sql, now);
    this.#sessions = new SessionStore(sql, now);
    this.#people = new PersonStore(sql, now, (key) => socketsOf(ctx, { person: key }).length > 0);
    this.#tunnel = new AgentTunnel(ctx, {
      now,
      findSink: (stream) => this.#relays.restore(stream),
      linked: (call, version) => this.#agentLinked(call, version),
      ended: (agent, code) => {
        this.#audit.append({ type: "agent.disconnected", agent, code });
        this.#noteAgent();
        this.#relays.endOtherLinks(undefined);
      },
      written: (version, result) => {
        if (result === "unwritable") this.#audit.append({ type: "identity.unwritable", version });
      },
      admit: (agent, boot, attempt) => admitAgent(sql, agent, boot, attempt),
      refused: (agent, code) => this.#audit.append({ type: "agent.refused", agent, code }),
    });
    this.#relays = new Relays(ctx, this.#tunnel, (person) => this.#presenceChanged(person));
  }

  /** Relays one request, or takes the agent's upgrade; the Worker has verified the caller either way. */
  override async fetch(request: Request): Promise<Response> {
    const relay = request.headers.get(RELAY_HEADER);
    if (relay !== null) return this.#relay(JSON.parse(relay) as RelayCall, request);
    const agent = request.headers.get(AGENT_HEADER);
    if (agent !== null) return this.#connectAgent(JSON.parse(agent) as AgentCall);
    return problem("bad_call");
  }

  async startSession(
    _tenant: string,
    signIn: SignIn,
  ): Promise<Result<{ session: string; expiresAt: number }, StartRefusal>> {
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
    if (recorded.changed) this.#tell(recorded.person);
    await this.#schedule();
    return { ok: true, value: { session, expiresAt } };
  }

  async endSession(
    _tenant: string,
    session: string,
    reason: "signed_out" | "replaced" | "revoked",
  ): Promise<Result<null>> {
    this.#end(await hashSessionId(session), reason);
    await this.#schedule();
    return { ok: true, value: null };
  }

  async findSession(_tenant: string, session: string): Promise<Result<SessionView, SessionRefusal>> {
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
    const row = this.ctx.storage.sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE name = 'agent_changed_at'")
      .toArray()[0];
    return {
      agent: this.#tunnel.connected ? "connected" : "away",
      since: row === undefined ? null : Number(row.value),
    };
  }

  override async webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): Promise<void> {
    const attachment = socket.deserializeAttachment() as AgentAttachment | BrowserAttachment | null;
    if (attachment === null) return;
    if (attachment.kind === "agent") return this.#tunnel.receive(socket, attachment, message);
    this.#relays.of(socket, attachment)?.message(message);
    this.#tunnel.flush();
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    const attachment = socket.deserializeAttachment() as AgentAttachment | BrowserAttachment | null;
    if (attachment?.kind === "agent") this.#tunnel.closed(socket, attachment, `closed_${code}`);
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

  /** Ends sessions whose time is over; the one alarm is always set to the next of them. */
  override async alarm(): Promise<void> {
    for (const hash of this.#sessions.overdue()) this.#end(hash, "expired");
    this.#sessions.sweep();
    await this.#schedule();
  }

  async #relay(call: RelayCall, request: Request): Promise<Response> {
    const hash = await hashSessionId(call.session);
    const found = this.#sessions.find(hash, true);
    if (!found.ok) return problem(found.code);
    const person = this.#people.find(found.session.person);
    if (person === undefined) return problem("session_unknown");
    const upgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const waitMs = this.#limits.spend(upgrade ? "upgrades" : "requests", hash);
    if (waitMs > 0) return problem("rate_limited", waitMs);
    const decision = decide(call, person);
    if (!decision.allow) {
      const { code } = decision;
      this.#audit.append({ type: "request.refused", person: person.key, code, routeClass: call.routeClass });
      return problem(code);
    }
    if (!this.#tunnel.connected) return problem("workspace_away", 2_000);
    if (upgrade) {
      // The roster shows people with an open socket first, so it is told before the OPEN that makes them one.
      if (!person.active) this.#tell({ ...person, active: true }, true);
      const head = openHead("ws", call, request, person, this.#people.version(), INITIAL_CREDIT_BYTES);
      return this.#relays.upgrade(head, hash, person.key, request.signal);
    }
    return this.#relays.http(
      openHead("http", call, request, person, this.#people.version(), INITIAL_CREDIT_BYTES),
      hash,
      request,
    );
  }

  async #connectAgent(call: AgentCall): Promise<Response> {
    const key = await deriveGatewayKey(this.env.STORAGE_KEY, call.tenant);
    const challenge = newChallenge(call, now());
    const message = await signChallenge(key, challenge);
    for (const socket of socketsOf(this.ctx, "agent")) {
      // One unproven connection at a time: a stranger with a valid assertion cannot pile them up.
      const attachment = socket.deserializeAttachment() as AgentAttachment;
      if (attachment.phase === "challenged") socket.close(1008, "another connection came");
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, ["agent"]);
    server.serializeAttachment({ kind: "agent", phase: "challenged", call, challenge } satisfies AgentAttachment);
    server.send(message);
    const headers = { "sec-websocket-protocol": SUBPROTOCOL, "sec-websocket-extensions": "none" };
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  #agentLinked(call: AgentCall, version: string): void {
    this.#audit.append({ type: "agent.connected", agent: call.agent, version });
    this.#noteAgent();
    this.#relays.endOtherLinks(this.#tunnel.linkId);
    this.#tunnel.queue({ type: "roster", stream: 0, version: this.#people.version(), people: this.#people.roster() });
  }

  #noteAgent(): void {
    this.ctx.storage.sql.exec(
      "INSERT INTO meta (name, value) VALUES ('agent_changed_at', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      String(now()),
    );
  }

  /** Tells the agent about one person; `raise` when nothing stored has changed, only who is here. */
  #tell(person: Person, raise = false): void {
    const version = raise ? this.#people.raiseVersion() : this.#people.version();
    this.#tunnel.queue({ type: "identity", stream: 0, version, person });
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
    this.#tunnel.flush();
  }

  async #schedule(): Promise<void> {
    const due = this.#sessions.nextDueAt();
    if (due === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(due);
  }
}
