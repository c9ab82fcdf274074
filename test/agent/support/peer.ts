/** The gateway's end of a connection, in memory: speaks frames to real streams of the agent, through two real links. */
import type { Frame, OpenHead } from "#protocol/frame.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage } from "#protocol/messages.ts";
import type { Log } from "../../../workspace-agent/log.ts";
import type { OpenGate } from "../../../workspace-agent/method-gate/open-gate.ts";
import { openStreams } from "../../../workspace-agent/origin/open-stream.ts";
import { createOrigin, type IdentityGate } from "../../../workspace-agent/origin/origin.ts";
import { Streams } from "../../../workspace-agent/streams/streams.ts";
import { Turns } from "../../../workspace-agent/streams/turns.ts";
import { Inbox } from "./inbox.ts";

export const silent: Log = () => {};

export class Peer {
  readonly inbox = new Inbox();
  /** Frames by batch, to see what travelled together. */
  readonly batches: Frame[][] = [];
  readonly origin: ReturnType<typeof createOrigin>;
  readonly streams: Streams;
  #flushDue = false;
  readonly #agent: Link;
  readonly #gateway: Link;
  readonly #turns: Turns;

  constructor(port: number, gate: IdentityGate = () => null, openGate: OpenGate | null = null) {
    this.origin = createOrigin({ host: "127.0.0.1", port, localAddress: "127.77.0.1", userHeader: "x-user" }, silent);
    this.#agent = new Link({ ...NEW_LINK }, (message) => this.#receive(message));
    this.#gateway = new Link({ ...NEW_LINK }, (message) => this.#deliver(message));
    this.#turns = new Turns(() => this.#agent.unacknowledgedBytes <= 8 * 1024 * 1024);
    const queue = (frame: Frame) => {
      this.#agent.queue(frame);
      this.#flushSoon();
    };
    this.streams = new Streams({
      open: openStreams(this.origin, gate, openGate, silent),
      queue,
      turns: this.#turns,
      wake: () => this.#flushSoon(),
      closed: () => {},
    });
  }

  /** Sends frames to the agent as one batch. */
  send(...frames: Frame[]): void {
    for (const frame of frames) this.#gateway.queue(frame);
    this.#gateway.flush();
  }

  /** @returns the next frame that passes, in order; frames before it are skipped */
  next<T extends Frame["type"]>(type: T, stream?: number): Promise<Extract<Frame, { type: T }>> {
    return this.inbox.next(type, stream);
  }

  close(): void {
    this.streams.abandonAll();
    this.origin.agent.destroy();
  }

  #deliver(message: Uint8Array): void {
    const decoded = decodeMessage(message);
    if (decoded.type === "ack") this.#agent.receiveAck(decoded.ack);
    if (decoded.type === "batch") {
      for (const frame of this.#agent.receiveBatch(decoded.number, decoded.ack, decoded.body)) {
        this.streams.receive(frame as Parameters<Streams["receive"]>[0]);
      }
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#turns.run();
      this.#agent.flush();
    });
  }

  #receive(message: Uint8Array): void {
    const decoded = decodeMessage(message);
    if (decoded.type !== "batch") return;
    const frames = this.#gateway.receiveBatch(decoded.number, decoded.ack, decoded.body);
    this.batches.push(frames);
    this.#gateway.flush(true);
    this.inbox.push(frames);
  }
}

export function openHead(fields: Partial<OpenHead> = {}): OpenHead {
  return {
    kind: "http",
    method: "GET",
    target: "/",
    routeClass: fields.kind === "ws" ? "gateway" : "ui",
    headers: [],
    person: "p1",
    version: 1,
    user: "alice@example.com",
    role: "user",
    scopes: ["operator.read", "operator.write"],
    clientAddress: "203.0.113.7",
    scheme: "https",
    host: "gw.example",
    body: false,
    credit: 262_144,
    ...fields,
  };
}
