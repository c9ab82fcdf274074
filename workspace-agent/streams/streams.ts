/** The open streams of one link: OPEN makes one, and every other frame finds its own. */
import { ProtocolError, RESET_CODES } from "#protocol/errors.ts";
import type { Frame, OpenHead } from "#protocol/frame.ts";
import { MAX_STREAMS } from "#protocol/limits.ts";
import type { Stream, StreamFrame, StreamPort } from "./stream.ts";
import type { Turns } from "./turns.ts";

/** Starts the exchange that an OPEN asks for. It may close its port at once, when it refuses the head. */
export type OpenStream = (id: number, head: OpenHead, port: StreamPort) => Stream;

export interface StreamsOptions {
  open: OpenStream;
  /** Adds a frame to the batch under way, and has it leave soon. */
  queue: (frame: Frame) => void;
  /** Run by the owner of the connection. */
  turns: Turns;
  /** Asks the owner to run the turns soon. */
  wake: () => void;
  /** A stream is over, and its last frame queued. */
  closed: () => void;
}

interface OpenedStream {
  kind: OpenHead["kind"];
  stream: Stream;
  /** Makes its port deaf. */
  close: () => void;
}

export class Streams {
  readonly #options: StreamsOptions;
  readonly #streams = new Map<number, OpenedStream>();
  readonly #counts = { http: 0, ws: 0 };
  /** Ids only rise in a link, so a lower one that is not open was closed, and a higher one never existed … */
  #lastId = 0;
  /** … unless its OPEN was in a batch that the gateway lost with its memory. */
  #openLost = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  count(kind: OpenHead["kind"]): number {
    return this.#counts[kind];
  }

  /** @throws {ProtocolError} when the frame does not fit its stream's state */
  receive(frame: StreamFrame | Extract<Frame, { type: "open" }>): void {
    if (frame.type === "open") {
      this.#start(frame.stream, frame.head);
      return;
    }
    if (frame.stream > this.#lastId && !this.#openLost) {
      throw new ProtocolError("illegal_step", { stream: frame.stream });
    }
    const stream = this.#streams.get(frame.stream)?.stream;
    if (stream === undefined) return;
    stream.receive(frame);
    if (this.#streams.has(frame.stream)) this.#options.turns.add(stream);
  }

  /** Ends every exchange at the origin: the link is over. */
  abandonAll(): void {
    for (const id of this.#streams.keys()) this.#remove(id)?.stream.abandon();
  }

  /**
   * Ends the exchanges that the gateway does not know any more.
   * @param hole whether batches were lost with its memory @returns how many ended
   */
  endUnlisted(live: ReadonlySet<number>, hole: boolean): number {
    if (hole) this.#openLost = true;
    const gone = [...this.#streams.keys()].filter((id) => !live.has(id));
    for (const id of gone) this.#remove(id)?.stream.abandon();
    return gone.length;
  }

  /** Ends every exchange at both ends, because this process ends. */
  stopAll(): void {
    for (const { stream } of this.#streams.values()) stream.stop();
  }

  #start(id: number, head: OpenHead): void {
    if (id <= this.#lastId) throw new ProtocolError("illegal_step", { stream: id });
    if (this.#streams.size >= MAX_STREAMS) throw new ProtocolError("too_many_streams", { streams: MAX_STREAMS });
    this.#lastId = id;
    let closed = false;
    const port: StreamPort = {
      queue: (frame) => {
        if (!closed) this.#options.queue(frame);
      },
      wake: () => {
        const opened = this.#streams.get(id);
        if (opened === undefined) return;
        this.#options.turns.add(opened.stream);
        this.#options.wake();
      },
      close: () => {
        closed = true;
        if (this.#remove(id) !== undefined) this.#options.closed();
      },
      reset: (code) => {
        port.queue({ type: "reset", stream: id, code: RESET_CODES[code] });
        port.close();
      },
    };
    const stream = this.#options.open(id, head, port);
    if (closed) return;
    this.#streams.set(id, { kind: head.kind, stream, close: () => (closed = true) });
    this.#counts[head.kind] += 1;
  }

  #remove(id: number): OpenedStream | undefined {
    const opened = this.#streams.get(id);
    if (opened === undefined) return undefined;
    this.#streams.delete(id);
    this.#counts[opened.kind] -= 1;
    this.#options.turns.remove(opened.stream);
    opened.close();
    return opened;
  }
}
