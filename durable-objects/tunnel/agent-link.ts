/**
 * One link at the object's end (SPEC.md section 3): its counters, which sink each stream's frames go to, and the
 * agent's socket while there is one. It decides nothing about other links; {@link AgentTunnel} does.
 */
import { ProtocolError, RESET_CODES } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { MAX_STREAMS, MAX_UNACKNOWLEDGED_BYTES, SILENT_AFTER_MS } from "#protocol/limits.ts";
import { Link, type Replay, type Send } from "#protocol/link.ts";
import type { LinkRecord } from "./agent-attachment.ts";
import { type After, Watch } from "./watch.ts";

/** Whatever a stream's frames are for: a pending response or a browser's socket. */
export interface StreamSink {
  /** @throws {ProtocolError} when the frame does not fit the stream's state */
  receive(frame: Frame): void;
  /** The link is over: nothing comes any more. */
  lost(): void;
}

/** The agent's socket as a link sees it. */
export interface AgentSocket {
  readonly readyState: number;
  readonly bufferedAmount?: number;
  send(message: Uint8Array<ArrayBuffer>): void;
}

export interface LinkEvents {
  after: After;
  /** The sink of a stream that this memory does not know: a browser's socket that outlived it. */
  findSink(link: AgentLink, stream: number): StreamSink | undefined;
  written(version: number, result: "ok" | "unwritable"): void;
  /** Nothing has moved for {@link SILENT_AFTER_MS} although batches wait for an acknowledgement. */
  silent(link: AgentLink): void;
  /** Counters may have moved: {@link AgentLink.record} is to be stored in this event. */
  flushed(link: AgentLink): void;
  /** When the platform last answered a ping on this socket, milliseconds since the epoch. */
  lastPing(socket: AgentSocket): number;
}

export class AgentLink {
  readonly record: LinkRecord;
  #events: LinkEvents;
  #wire: Link;
  #socket: AgentSocket | null;
  #sinks = new Map<number, StreamSink>();
  /** Streams below this were opened by a memory that is lost. */
  #forgottenBelow: number;
  #awake = new Set<number>();
  /** Last batch of each stream, oldest first, until the agent has it: ended streams among them are still live to it. */
  #unacknowledged = new Map<number, number>();
  /** Last batch that a lost memory sent for each of its streams, also for those that have ended since. */
  #inherited = new Map<number, number>();
  #waitingForRoom: (() => void)[] = [];
  #received = 0;
  #sentBytes = 0;
  #watch: Watch;

  /** Takes over a record: a new link's, or one that outlived a memory. */
  constructor(record: LinkRecord, socket: AgentSocket | null, events: LinkEvents) {
    this.record = record;
    this.#events = events;
    this.#socket = socket;
    this.#forgottenBelow = record.nextStream;
    this.#wire = new Link(record.state, socket && this.#sender(socket));
    this.#watch = new Watch({
      after: events.after,
      periodMs: SILENT_AFTER_MS,
      needed: () => this.#wire.isWaiting || this.#waitingForRoom.length > 0 || this.#awake.size > 0,
      progress: () => this.#progress(),
      stalled: () => {
        if (this.#socket !== null && this.#wire.isWaiting) this.#events.silent(this);
      },
    });
  }

  get id(): string {
    return this.record.link;
  }

  get connected(): boolean {
    return this.#socket !== null;
  }

  /** Whether bodies and new streams may be sent now. */
  get hasRoom(): boolean {
    return this.#socket !== null && this.#wire.unacknowledgedBytes <= MAX_UNACKNOWLEDGED_BYTES;
  }

  /** Streams that this memory knows: open ones, and those whose last frames wait for an acknowledgement. */
  get streams(): number[] {
    this.#forgetAcknowledged();
    return [...new Set([...this.#sinks.keys(), ...this.#unacknowledged.keys()])];
  }

  /** Registers a stream. @returns its id, or undefined when too many are open */
  open(sink: StreamSink): number | undefined {
    if (this.#sinks.size >= MAX_STREAMS) return undefined;
    const stream = this.record.nextStream++;
    this.#sinks.set(stream, sink);
    return stream;
  }

  adopt(stream: number, sink: StreamSink): void {
    this.#sinks.set(stream, sink);
  }

  /** Forgets a stream; late frames of it are dropped. */
  release(stream: number): void {
    this.#sinks.delete(stream);
    this.#awake.delete(stream);
  }

  /** Takes over a stream of a memory that is lost. @param last number of the last batch that it sent for it */
  inherit(stream: number, sink: StreamSink, last: number): void {
    this.#sinks.set(stream, sink);
    this.#inherited.set(stream, last);
  }

  /**
   * Ends the streams that lost a batch after `received` with a former memory (SPEC.md section 3.2): what is kept of
   * them makes no sense any more. What this memory sent it still has.
   */
  endInherited(received: number): void {
    for (const [stream, last] of this.#inherited) {
      const ahead = (last - received) >>> 0;
      if (ahead === 0 || ahead > 0x7fffffff) continue;
      this.#sinks.get(stream)?.lost();
      this.release(stream);
      this.#unacknowledged.delete(stream);
    }
    this.#inherited.clear();
  }

  /** Queues a frame for the batch under way. @returns the number of that batch */
  queue(frame: Frame): number {
    const batch = this.#wire.queue(frame);
    // Taken out first: a Map keeps the order of insertion, which then is the order of batches.
    this.#unacknowledged.delete(frame.stream);
    if (frame.stream !== 0) this.#unacknowledged.set(frame.stream, batch);
    return batch;
  }

  /** Ends an event: sends the batch under way, and has {@link record} stored beside it. */
  flush(): void {
    this.#wire.flush();
    this.#events.flushed(this);
    this.#watch.update();
  }

  /** Whether something of this stream waits in memory only, which the object must not forget. */
  keepAwake(stream: number, needed: boolean): void {
    if (needed) this.#awake.add(stream);
    else this.#awake.delete(stream);
    this.#watch.update();
  }

  /** Calls back once, when there is room for bodies again; not at all when the link ends. */
  whenRoom(callback: () => void): void {
    this.#waitingForRoom.push(callback);
    this.#watch.update();
  }

  /** Applies one batch whole. @throws {ProtocolError} then the link is over, because part of it may be applied */
  receiveBatch(number: number, ack: number, body: Uint8Array): void {
    this.#received++;
    for (const frame of this.#wire.receiveBatch(number, ack, body)) this.#apply(frame);
    this.#wakeWaiting();
  }

  receiveAck(ack: number): void {
    this.#received++;
    this.#wire.receiveAck(ack);
    this.#wakeWaiting();
  }

  /** The connection is gone; streams stay. */
  disconnect(): void {
    this.#socket = null;
    this.#wire.disconnect();
  }

  /** First half of a resume: what the agent will get. @throws {ProtocolError} bad_acknowledgement */
  replayAfter(received: number): Replay {
    return this.#wire.replayAfter(received);
  }

  /** Second half: sends the kept batches on the new connection. */
  reconnect(socket: AgentSocket): void {
    this.#socket = socket;
    this.#wire.reconnect(this.#sender(socket));
    this.#wakeWaiting();
    this.#watch.update();
  }

  /** The link is over: every stream is told. */
  end(): void {
    this.disconnect();
    this.#watch.stop();
    this.#waitingForRoom = [];
    this.#awake.clear();
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    for (const sink of sinks) sink.lost();
  }

  #apply(frame: Frame): void {
    if (frame.stream === 0) {
      if (frame.type !== "written") throw new ProtocolError("illegal_step", { frame: frame.type });
      this.#events.written(frame.version, frame.result);
      return;
    }
    const sink = this.#sinks.get(frame.stream) ?? this.#events.findSink(this, frame.stream);
    if (sink !== undefined) {
      sink.receive(frame);
      return;
    }
    if (frame.stream >= this.record.nextStream) throw new ProtocolError("bad_stream_id", { stream: frame.stream });
    // Its request died with the memory that opened it: without a word the origin would keep it open for ever.
    const ends = frame.type === "reset" || frame.type === "close" || frame.type === "refused";
    if (frame.stream < this.#forgottenBelow && !ends) {
      this.#wire.queue({ type: "reset", stream: frame.stream, code: RESET_CODES.link_lost });
    }
  }

  #forgetAcknowledged(): void {
    for (const [stream, batch] of this.#unacknowledged) {
      if ((this.record.state.acknowledged - batch) >>> 0 > 0x7fffffff) return;
      this.#unacknowledged.delete(stream);
    }
  }

  #wakeWaiting(): void {
    this.#forgetAcknowledged();
    if (!this.hasRoom || this.#waitingForRoom.length === 0) return;
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const wake of waiting) wake();
  }

  #sender(socket: AgentSocket): Send {
    return (message) => {
      this.#sentBytes += message.byteLength;
      // Sent into a closing socket it would throw; kept, it goes out with the resume.
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    };
  }

  /** Anything that only a living peer changes. Bytes that leave a full buffer count; those that found room do not. */
  #progress(): string {
    const socket = this.#socket;
    if (socket === null) return "";
    const buffered = socket.bufferedAmount ?? 0;
    return `${this.#received} ${this.#events.lastPing(socket)} ${buffered > 0 ? this.#sentBytes - buffered : 0}`;
  }
}
