/** The open streams of one connection: OPEN makes one, and every other frame finds its own. */
import { ProtocolError, RESET_CODES, type ResetCode } from "#protocol/errors.ts";
import type { Frame, OpenHead } from "#protocol/frame.ts";
import { MAX_STREAMS } from "#protocol/limits.ts";
import type { Stream, StreamFrame, StreamPort } from "./stream.ts";
import type { Turns } from "./turns.ts";

/** Starts the exchange that an OPEN asks for. It may close its port at once, when it refuses the head. */
export type OpenStream = (id: number, head: OpenHead, port: StreamPort) => Stream;

export class Streams {
  readonly #open: OpenStream;
  readonly #queue: (frame: Frame) => void;
  readonly #turns: Turns;
  readonly #wake: () => void;
  readonly #streams = new Map<number, Stream>();
  /** Ids only rise in a link, so a lower one that is not open was closed, and a higher one never existed. */
  #lastId = 0;

  /**
   * @param queue adds a frame to the batch under way, and has it leave soon
   * @param turns run by the owner of the connection
   * @param wake asks the owner to run the turns soon
   */
  constructor(open: OpenStream, queue: (frame: Frame) => void, turns: Turns, wake: () => void) {
    this.#open = open;
    this.#queue = queue;
    this.#turns = turns;
    this.#wake = wake;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** @throws {ProtocolError} when the frame does not fit its stream's state */
  receive(frame: StreamFrame | Extract<Frame, { type: "open" }>): void {
    if (frame.type === "open") {
      this.#start(frame.stream, frame.head);
      return;
    }
    if (frame.stream > this.#lastId) throw new ProtocolError("illegal_step", { stream: frame.stream });
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    stream.receive(frame);
    if (this.#streams.has(frame.stream)) this.#turns.add(stream);
  }

  /** Ends every exchange at the origin: the connection is lost. */
  abandonAll(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      this.#turns.remove(stream);
      stream.abandon();
    }
  }

  /** Ends every exchange at both ends. */
  resetAll(code: ResetCode): void {
    for (const id of this.#streams.keys()) this.#queue({ type: "reset", stream: id, code: RESET_CODES[code] });
    this.abandonAll();
  }

  #start(id: number, head: OpenHead): void {
    if (id <= this.#lastId) throw new ProtocolError("illegal_step", { stream: id });
    if (this.#streams.size >= MAX_STREAMS) throw new ProtocolError("too_many_streams", { streams: MAX_STREAMS });
    this.#lastId = id;
    let closed = false;
    const port: StreamPort = {
      queue: (frame) => {
        if (!closed) this.#queue(frame);
      },
      wake: () => {
        const stream = this.#streams.get(id);
        if (stream === undefined) return;
        this.#turns.add(stream);
        this.#wake();
      },
      close: () => {
        closed = true;
        const stream = this.#streams.get(id);
        if (stream === undefined) return;
        this.#turns.remove(stream);
        this.#streams.delete(id);
      },
      reset: (code) => {
        port.queue({ type: "reset", stream: id, code: RESET_CODES[code] });
        port.close();
      },
    };
    const stream = this.#open(id, head, port);
    if (!closed) this.#streams.set(id, stream);
  }
}
