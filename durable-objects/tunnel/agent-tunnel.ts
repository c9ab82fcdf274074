/**
 * The object's end of the tunnel: agents' sockets, the proof that opens each, and which link serves. Sockets,
 * attachments and the table of cut links are the truth; this memory is rebuilt from them whenever it was lost.
 */
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import { type ConnectionMessage, decodeMessage, encodeResumed, encodeWelcome, type Hello } from "#protocol/messages.ts";
import { NEW_LINK } from "#protocol/link.ts";
import type { AgentCall } from "../rpc.ts";
import { base64Url } from "../sessions/session-id.ts";
import type { AgentAttachment, LinkRecord, LinkRole } from "./agent-attachment.ts";
import { AgentLink, type LinkEvents } from "./agent-link.ts";
import { type HeldLink, HeldLinks } from "./held-links.ts";
import { verifyHello } from "./handshake.ts";

export interface TunnelEvents extends Omit<LinkEvents, "silent" | "lastPing" | "flushed"> {
  now(): number;
  /** The link serves from now on, or must be told again: identities first, before any OPEN. */
  activated(link: AgentLink): void;
  /** The serving link has a connection: whoever waited for one may go on. */
  available(): void;
  /** The serving link's connection, or the time by which it must be back, changed. */
  changed(): void;
  /** A new link is up. */
  connected(link: AgentLink): void;
  /** The link ended; `code` says why. */
  ended(link: AgentLink, code: string): void;
  /** @returns false when (boot, attempt) is not above what was seen of this agent; else stores it */
  admit(agent: string, boot: number, attempt: number): boolean;
  refused(agent: string, code: string): void;
  /** A living connection is replaced by one that does not go on with its link: two processes hold the key. */
  superseded(agent: string): void;
}

/** Closes after which nobody comes back for the link (SPEC.md section 7). */
const FINAL_CLOSES: ReadonlySet<number> = new Set([1001, 1011, 4400, 4401, 4409, 4410]);

export class AgentTunnel {
  #events: TunnelEvents;
  #links: HeldLinks;

  constructor(ctx: DurableObjectState, events: TunnelEvents) {
    this.#events = events;
    this.#links = new HeldLinks(ctx, events.now, (record, socket) => this.#restore(record, socket));
  }

  /** The link that serves, connected or within its grace. */
  get active(): AgentLink | undefined {
    return this.#links.active?.link;
  }

  get connected(): boolean {
    return this.active?.connected === true;
  }

  /** When the next cut link's grace is over, milliseconds since the epoch. */
  get nextDueAt(): number | null {
    return this.#links.nextDueAt;
  }

  find(link: string): AgentLink | undefined {
    return this.#links.get(link)?.link;
  }

  /** Ends an event: sends the batches under way and stores the counters beside them, in the same event. */
  flush(): void {
    this.#links.flush();
  }

  /** Ends every connection and link of an agent that may not connect any more. */
  disconnect(agent: string): void {
    for (const socket of this.#links.challenged(agent)) {
      this.#links.retire(socket);
      socket.close(CONNECTION_CLOSE.refused, "revoked");
    }
    for (const held of this.#links.ofAgent(agent)) {
      this.#drop(held, CONNECTION_CLOSE.refused, "revoked");
      this.#end(held, "revoked");
    }
    this.flush();
  }

  /** @returns what an agent's link is, connected or within its grace */
  roleOf(agent: string): LinkRole | null {
    return this.#links.ofAgent(agent)[0]?.link.record.role ?? null;
  }

  /** Ends links whose grace is over. */
  expire(): void {
    for (const held of this.#links.overdue()) this.#end(held, "grace_over");
  }

  /** One message of an agent's socket. A breach ends that connection and its link, never the object. */
  async receive(socket: WebSocket, attachment: AgentAttachment, message: ArrayBuffer | string): Promise<void> {
    if (attachment.phase === "over") return;
    try {
      if (typeof message === "string") throw new ProtocolError("unexpected_message");
      const decoded = decodeMessage(new Uint8Array(message));
      if (attachment.phase === "linked") this.#apply(socket, decoded);
      else if (decoded.type === "hello") {
        await verifyHello(attachment.call, attachment.challenge, decoded.message, this.#events.now());
        // A second HELLO may have come during the check.
        if (phaseOf(socket) === "challenged") this.#greet(socket, attachment.call, decoded.message.value);
      } else throw new ProtocolError("unexpected_message");
      this.flush();
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : "internal_error";
      if (code === "internal_error") console.error(JSON.stringify({ event: "tunnel.failed", error: String(error) }));
      this.#refuse(socket, attachment, code);
    }
  }

  /** An agent's socket closed. */
  closed(socket: WebSocket, attachment: AgentAttachment, code: number): void {
    const held = attachment.phase === "linked" ? this.#links.get(attachment.record.link) : undefined;
    this.#links.retire(socket);
    // Resumed elsewhere by now: this end says nothing about the link.
    if (held === undefined || (held.socket !== null && held.socket !== socket)) return;
    if (FINAL_CLOSES.has(code)) this.#end(held, `closed_${code}`);
    else this.#lose(held);
  }

  #apply(socket: WebSocket, message: ConnectionMessage): void {
    const held = this.#links.of(socket);
    if (held === undefined) return;
    if (message.type === "ack") held.link.receiveAck(message.ack);
    else if (message.type === "batch") held.link.receiveBatch(message.number, message.ack, message.body);
    else if (message.type === "goaway") this.#drain(held);
    else throw new ProtocolError("unexpected_message");
  }

  #greet(socket: WebSocket, call: AgentCall, hello: Hello): void {
    if (!this.#events.admit(call.agent, hello.boot, hello.attempt)) {
      this.#events.refused(call.agent, "superseded");
      this.#links.retire(socket);
      socket.close(CONNECTION_CLOSE.superseded, "superseded");
      return;
    }
    const known = hello.resume === null ? undefined : this.#links.get(hello.resume.link);
    const ours = known?.link.record.call.agent === call.agent && known.link.record.boot === hello.boot;
    if (hello.resume !== null && known !== undefined && ours) this.#resume(socket, call, known, hello.resume.received);
    else this.#welcome(socket, call, hello);
  }

  #welcome(socket: WebSocket, call: AgentCall, hello: Hello): void {
    for (const former of this.#links.ofAgent(call.agent)) {
      if (former.socket !== null) this.#events.superseded(call.agent);
      this.#drop(former, CONNECTION_CLOSE.superseded, "superseded");
      this.#end(former, "superseded");
    }
    const active = this.#links.active;
    const record: LinkRecord = {
      link: base64Url(crypto.getRandomValues(new Uint8Array(12))),
      call,
      boot: hello.boot,
      version: hello.version,
      role: active === undefined ? "active" : "standby",
      since: this.#events.now(),
      state: { ...NEW_LINK },
      nextStream: 1,
    };
    socket.send(encodeWelcome({ link: record.link }));
    this.#events.connected(this.#links.add(record, socket).link);
    if (active === undefined) this.#activate(record);
    else if (active.socket === null) this.#lose(active);
  }

  #resume(socket: WebSocket, call: AgentCall, held: HeldLink, received: number): void {
    const { link } = held;
    this.#drop(held, CONNECTION_CLOSE.silent, "resumed");
    let replay;
    try {
      replay = link.replayAfter(received);
    } catch (error) {
      this.#end(held, "bad_resume");
      throw error;
    }
    link.record.call = call;
    if (replay.hole) link.endInherited(received);
    const resumed = { received: link.record.state.received, next: replay.next, live: link.streams };
    socket.send(encodeResumed(resumed));
    this.#links.connect(held, socket);
    if (link.record.role !== "active") return;
    if (replay.hole) this.#events.activated(link);
    this.#events.changed();
    this.#events.available();
  }

  #activate(record: LinkRecord): void {
    record.role = "active";
    const link = this.find(record.link);
    if (link === undefined) return;
    this.#events.activated(link);
    this.#events.changed();
    this.#events.available();
  }

  #drain(held: HeldLink): void {
    const { record } = held.link;
    const served = record.role === "active";
    record.role = "draining";
    if (served) this.#promote();
  }

  #promote(): void {
    const next = this.#links.oldestStandby;
    if (next === undefined) this.#events.changed();
    else this.#activate(next.link.record);
  }

  /** The connection is lost: the link waits, as long as nobody else could serve. */
  #lose(held: HeldLink): void {
    const { role } = held.link.record;
    if (role === "standby") return this.#end(held, "lost");
    this.#links.cut(held, role === "draining" || this.#links.oldestStandby !== undefined);
    this.#events.changed();
  }

  #end(held: HeldLink, code: string): void {
    this.#links.remove(held);
    held.link.end();
    this.#events.ended(held.link, code);
    if (held.link.record.role === "active") this.#promote();
  }

  #silent(link: AgentLink): void {
    const held = this.#links.get(link.id);
    if (held === undefined) return;
    this.#drop(held, CONNECTION_CLOSE.silent, "silent");
    this.#lose(held);
    this.flush();
  }

  #refuse(socket: WebSocket, attachment: AgentAttachment, code: string): void {
    if (attachment.phase === "challenged") this.#events.refused(attachment.call.agent, code);
    const held = this.#links.of(socket);
    this.#links.retire(socket);
    socket.close(code === "bad_signature" ? CONNECTION_CLOSE.refused : CONNECTION_CLOSE.protocol, code);
    if (held !== undefined) {
      this.#events.refused(held.link.record.call.agent, code);
      this.#end(held, code);
    }
    this.flush();
  }

  /** Closes a link's connection from here; whatever still comes from it changes nothing. */
  #drop(held: HeldLink, code: number, reason: string): void {
    const { socket } = held;
    if (socket === null) return;
    held.socket = null;
    held.link.disconnect();
    this.#links.retire(socket);
    socket.close(code, reason);
  }

  #restore(record: LinkRecord, socket: WebSocket | null): AgentLink {
    return new AgentLink(record, socket, {
      after: this.#events.after,
      findSink: (link, stream) => this.#events.findSink(link, stream),
      written: (version, result) => this.#events.written(version, result),
      silent: (link) => this.#silent(link),
      flushed: (link) => this.#links.store(link),
      lastPing: (live) => this.#links.lastPing(live),
    });
  }
}

function phaseOf(socket: WebSocket): AgentAttachment["phase"] | undefined {
  return (socket.deserializeAttachment() as AgentAttachment | null)?.phase;
}
