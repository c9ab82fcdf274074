/**
 * The object's end of the tunnel: the agent's socket, its link, and which sink each stream's frames go to.
 * Sockets and attachments are the truth; this memory is rebuilt from them whenever it was lost.
 */
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { MAX_STREAMS, MAX_UNACKNOWLEDGED_BYTES } from "#protocol/limits.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage, encodeWelcome } from "#protocol/messages.ts";
import type { AgentCall } from "../rpc.ts";
import { base64Url } from "../sessions/session-id.ts";
import type { AgentAttachment } from "./agent-attachment.ts";
import { verifyHello } from "./handshake.ts";

/** Whatever a stream's frames are for: a pending response or a browser's socket. */
export interface StreamSink {
  receive(frame: Frame): void;
  /** The link is over: nothing comes any more. */
  lost(): void;
}

export interface TunnelEvents {
  now(): number;
  /** The sink of a stream that this memory does not know: a browser's socket that outlived it. */
  findSink(stream: number): StreamSink | undefined;
  /** A new link is up: identities first, before any OPEN. */
  linked(call: AgentCall, version: string): void;
  /** The link ended; `code` says why. */
  ended(agent: string, code: string): void;
  written(version: number, result: "ok" | "unwritable"): void;
  /** @returns false when (boot, attempt) is not above what was seen of this agent */
  admit(agent: string, boot: number, attempt: number): boolean;
  refused(agent: string, code: string): void;
}

type Linked = Extract<AgentAttachment, { phase: "linked" }>;

export class AgentTunnel {
  #ctx: DurableObjectState;
  #events: TunnelEvents;
  #live: { socket: WebSocket; attachment: Linked; link: Link } | undefined;
  #sinks = new Map<number, StreamSink>();
  #drained: (() => void)[] = [];

  constructor(ctx: DurableObjectState, events: TunnelEvents) {
    this.#ctx = ctx;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#current() !== undefined;
  }

  /** The link's id; browser sockets remember theirs and end when it is not this one. */
  get linkId(): string | undefined {
    return this.#current()?.attachment.link;
  }

  /** Registers a stream. @returns its id, or undefined while no agent is connected or too many are open */
  open(sink: StreamSink): number | undefined {
    const live = this.#current();
    if (live === undefined || this.#sinks.size >= MAX_STREAMS) return undefined;
    const stream = live.attachment.nextStream++;
    this.#sinks.set(stream, sink);
    return stream;
  }

  adopt(stream: number, sink: StreamSink): void {
    this.#sinks.set(stream, sink);
  }

  /** Forgets a stream; late frames of it are dropped. */
  release(stream: number): void {
    this.#sinks.delete(stream);
  }

  /** Queues a frame for the batch under way; without a link it is dropped, and the sinks have been told so. */
  queue(frame: Frame): void {
    this.#current()?.link.queue(frame);
  }

  /** Ends an event: sends the batch and writes the counters beside it, in the same event. */
  flush(): void {
    const live = this.#live;
    if (live === undefined) return;
    live.link.flush();
    this.#persist();
  }

  /** @returns when bodies may be sent: at once, or when the agent has acknowledged enough */
  async writable(): Promise<void> {
    while ((this.#current()?.link.unacknowledgedBytes ?? 0) > MAX_UNACKNOWLEDGED_BYTES) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  /** One message of an agent's socket. A breach ends that connection, never the object. */
  async receive(socket: WebSocket, attachment: AgentAttachment, message: ArrayBuffer | string): Promise<void> {
    if (attachment.phase === "over") return;
    try {
      if (typeof message === "string") throw new ProtocolError("unexpected_message");
      const decoded = decodeMessage(new Uint8Array(message));
      if (attachment.phase === "challenged") {
        if (decoded.type !== "hello") throw new ProtocolError("unexpected_message");
        await verifyHello(attachment.call, attachment.challenge, decoded.message, this.#events.now());
        this.#link(socket, attachment.call, decoded.message.value);
        return;
      }
      const live = this.#current();
      if (live === undefined || live.socket !== socket) return;
      if (decoded.type === "ack") live.link.receiveAck(decoded.ack);
      else if (decoded.type === "batch") {
        for (const frame of live.link.receiveBatch(decoded.number, decoded.ack, decoded.body)) this.#apply(frame);
      } else throw new ProtocolError("unexpected_message");
      if (live.link.unacknowledgedBytes <= MAX_UNACKNOWLEDGED_BYTES) this.#wakeWriters();
      this.flush();
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : "internal_error";
      if (!(error instanceof ProtocolError))
        console.error(JSON.stringify({ event: "tunnel.failed", error: String(error) }));
      this.#refuse(socket, attachment, code);
    }
  }

  /** The agent's socket closed, or is to be treated so. */
  closed(socket: WebSocket, attachment: AgentAttachment, code: string): void {
    if (attachment.phase === "linked") this.#end(socket, attachment, code);
    socket.serializeAttachment({ kind: "agent", phase: "over" } satisfies AgentAttachment);
  }

  #apply(frame: Frame): void {
    if (frame.stream === 0) {
      if (frame.type !== "written") throw new ProtocolError("illegal_step", { frame: frame.type });
      this.#events.written(frame.version, frame.result);
      return;
    }
    let sink = this.#sinks.get(frame.stream);
    if (sink === undefined) {
      sink = this.#events.findSink(frame.stream);
      if (sink === undefined) return;
      this.#sinks.set(frame.stream, sink);
    }
    sink.receive(frame);
  }

  #link(socket: WebSocket, call: AgentCall, hello: { boot: number; attempt: number; version: string }): void {
    if (!this.#events.admit(call.agent, hello.boot, hello.attempt)) {
      this.#events.refused(call.agent, "superseded");
      socket.serializeAttachment({ kind: "agent", phase: "over" } satisfies AgentAttachment);
      socket.close(CONNECTION_CLOSE.superseded, "superseded");
      return;
    }
    const former = this.#current();
    if (former !== undefined) {
      this.closed(former.socket, former.attachment, "superseded");
      former.socket.close(CONNECTION_CLOSE.superseded, "superseded");
    }
    const attachment: Linked = {
      kind: "agent",
      phase: "linked",
      call,
      link: base64Url(crypto.getRandomValues(new Uint8Array(12))),
      state: { ...NEW_LINK },
      nextStream: 1,
    };
    socket.send(encodeWelcome({ link: attachment.link }));
    this.#live = this.#bind(socket, attachment);
    this.#events.linked(call, hello.version);
    this.flush();
    this.#persist();
  }

  #bind(socket: WebSocket, attachment: Linked) {
    return { socket, attachment, link: new Link(attachment.state, (message) => socket.send(message)) };
  }

  #current() {
    if (this.#live?.socket.readyState === WebSocket.OPEN) return this.#live;
    if (this.#live !== undefined) return undefined;
    for (const socket of this.#ctx.getWebSockets("agent")) {
      const attachment = socket.deserializeAttachment() as AgentAttachment | null;
      if (socket.readyState === WebSocket.OPEN && attachment?.phase === "linked") {
        this.#live = this.#bind(socket, attachment);
        return this.#live;
      }
    }
    return undefined;
  }

  #persist(): void {
    const live = this.#live;
    if (live !== undefined && live.socket.readyState === WebSocket.OPEN)
      live.socket.serializeAttachment(live.attachment);
  }

  #refuse(socket: WebSocket, attachment: AgentAttachment, code: string): void {
    if (attachment.phase !== "over") this.#events.refused(attachment.call.agent, code);
    const current = socket.deserializeAttachment() as AgentAttachment;
    this.closed(socket, current, code);
    socket.close(code === "bad_signature" ? CONNECTION_CLOSE.refused : CONNECTION_CLOSE.protocol, code);
  }

  #end(socket: WebSocket, attachment: Linked, code: string): void {
    if (this.#live !== undefined && this.#live.socket !== socket) return;
    this.#live = undefined;
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    this.#wakeWriters();
    for (const sink of sinks) sink.lost();
    this.#events.ended(attachment.call.agent, code);
  }

  #wakeWriters(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const wake of waiting) wake();
  }
}
