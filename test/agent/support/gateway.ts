/**
 * The object's end of a link, played: it keeps its batches across connections, and may lose its memory. It knows no
 * socket; a test attaches it to one, or to a connection in memory.
 */
import { creditCost, type Frame } from "#protocol/frame.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage, encodeResumed, encodeWelcome, type Hello, type Resumed } from "#protocol/messages.ts";
import { Inbox } from "./inbox.ts";

export interface GatewayWire {
  send(message: Uint8Array): void;
}

export class Gateway {
  readonly inbox = new Inbox();
  readonly goaways: string[] = [];
  /** Frames by batch. */
  readonly batches: Frame[][] = [];
  /** Otherwise only {@link acknowledge} does. */
  autoAcknowledge = true;
  readonly #connected = Promise.withResolvers<void>();
  /** Resolves with the first WELCOME. */
  readonly connected = this.#connected.promise;
  /** Streams that this end no longer knows. */
  readonly dropped = new Set<number>();
  /** Answers that break the rules, for the hostile tables. */
  forge: (resumed: Resumed) => Resumed = (resumed) => resumed;
  /** Streams opened so far. */
  readonly #opened = new Set<number>();
  #link = new Link({ ...NEW_LINK }, null);
  #links = 0;
  #wire: GatewayWire | null = null;

  get linkId(): string {
    return `link-${this.#links}`.padEnd(8, "0");
  }

  /** Answers a HELLO on a new connection: RESUMED for the link that it knows, else WELCOME and ROSTER. */
  greet(wire: GatewayWire, resume: Hello["resume"]): void {
    if (resume?.link === this.linkId) this.#resume(wire, resume.received);
    else this.welcome(wire);
  }

  welcome(wire: GatewayWire, roster = true): void {
    this.#links += 1;
    this.#link = new Link({ ...NEW_LINK }, (message) => wire.send(message));
    this.#wire = wire;
    wire.send(encodeWelcome({ link: this.linkId }));
    this.#connected.resolve();
    if (roster) this.send({ type: "roster", stream: 0, version: 1, people: [] });
  }

  receive(wire: GatewayWire, bytes: Uint8Array): void {
    if (wire !== this.#wire) return;
    const message = decodeMessage(bytes);
    if (message.type === "goaway") this.goaways.push(message.reason);
    if (message.type === "ack") this.#link.receiveAck(message.ack);
    if (message.type !== "batch") return;
    const frames = this.#link.receiveBatch(message.number, message.ack, message.body);
    this.batches.push(frames);
    for (const frame of frames) {
      const cost = creditCost(frame);
      if (cost > 0 && this.autoAcknowledge) this.#link.queue({ type: "credit", stream: frame.stream, bytes: cost });
    }
    if (this.autoAcknowledge) this.acknowledge();
    this.inbox.push(frames);
  }

  acknowledge(): void {
    this.#link.flush(true);
  }

  /** One batch; without a connection it waits for the next. */
  send(...frames: Frame[]): void {
    for (const frame of frames) {
      if (frame.type === "open") this.#opened.add(frame.stream);
      this.#link.queue(frame);
    }
    this.#link.flush();
  }

  cut(): void {
    this.#wire = null;
    this.#link.disconnect();
  }

  /** Forgets every batch, as an object does whose memory went: only the counters are left. */
  forget(): void {
    this.#link = new Link(structuredClone(this.#link.state), null);
  }

  #resume(wire: GatewayWire, received: number): void {
    this.cut();
    const { next } = this.#link.replayAfter(received);
    const live = [...this.#opened].filter((stream) => !this.dropped.has(stream));
    this.#wire = wire;
    wire.send(encodeResumed(this.forge({ received: this.#link.state.received, next, live })));
    this.#link.reconnect((message) => wire.send(message));
  }
}
