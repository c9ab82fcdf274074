/**
 * One link at the agent's end (SPEC.md section 3): what comes in is checked and applied in its own event, streams live
 * across connections, and its end ends them. It knows no socket, and no timer but the clock's.
 */
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { DRAIN_MS, RESUME_GRACE_MS } from "#protocol/limits.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { type ConnectionMessage, decodeMessage, encodeGoaway, type Hello, type Resumed } from "#protocol/messages.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type OpenStream, Streams } from "../streams/streams.ts";
import { type LinkConnection, LinkOutput } from "./link-output.ts";
import type { Traffic } from "./traffic.ts";

/** A link that serves hears so at once; one that has heard nothing by then stands by. */
const STANDBY_TOLD_AFTER_MS = 1_000;
/** Closes by the gateway that leave nothing to resume (SPEC.md section 7). */
const FINAL_CLOSES: ReadonlySet<number> = new Set([
  CONNECTION_CLOSE.protocol,
  CONNECTION_CLOSE.refused,
  CONNECTION_CLOSE.superseded,
  CONNECTION_CLOSE.blocked,
]);

export type IdentityFrame = Extract<Frame, { type: "roster" | "identity" | "forget" }>;

/** The workspace's identity files, as far as a link is concerned. */
export interface IdentitySink {
  /** Takes a frame, in order; `answer` sends a frame on this link, or nothing once it is over. */
  receive(frame: IdentityFrame, answer: (frame: Frame) => void): void;
  /** This agent speaks for the workspace no more: it writes nothing until the next ROSTER. */
  release(): void;
}

export interface LinkOptions {
  openStream: OpenStream;
  identity: IdentitySink;
  clock: Clock;
  traffic: Traffic;
  log: Log;
}

/** `standby` until ROSTER says otherwise; `cut` may be resumed; `leaving` said GOAWAY. */
export type LinkPhase = "standby" | "active" | "cut" | "leaving" | "over";

export class AgentLink {
  readonly id: string;
  readonly streams: Streams;
  readonly #options: LinkOptions;
  readonly #wire = new Link({ ...NEW_LINK }, null);
  readonly #output: LinkOutput;
  #over = false;
  #rostered = false;
  #leaving = false;
  #graceUntil = Number.POSITIVE_INFINITY;
  /** Of the grace, of the drain and of the word about standing by. */
  readonly #timers = new Set<() => void>();

  /** Takes over the connection that WELCOME came on, in that event. */
  constructor(id: string, connection: LinkConnection, options: LinkOptions) {
    this.id = id;
    this.#options = options;
    const output = new LinkOutput(this.#wire, options.clock, options.traffic);
    this.#output = output;
    this.streams = new Streams({
      open: options.openStream,
      queue: (frame) => this.#queue(frame),
      turns: output.turns,
      wake: () => output.flushSoon(),
      closed: () => this.#leaveWhenQuiet(),
    });
    output.connect(connection);
    this.#after(STANDBY_TOLD_AFTER_MS, () => {
      if (this.phase === "standby") options.log("tunnel.standby", { link: id });
    });
  }

  get phase(): LinkPhase {
    if (this.#over) return "over";
    if (this.#leaving) return "leaving";
    if (this.#output.connection === null) return "cut";
    return this.#rostered ? "active" : "standby";
  }

  /** Whether this agent serves the workspace and keeps its identity files; also while the link is cut. */
  get isActive(): boolean {
    return this.#rostered && !this.#leaving && !this.#over;
  }

  get unacknowledgedBytes(): number {
    return this.#wire.unacknowledgedBytes;
  }

  /** What HELLO says to go on with this link. */
  get hello(): NonNullable<Hello["resume"]> {
    return { link: this.id, received: this.#wire.state.received };
  }

  /**
   * RESUMED: ends the streams that the gateway lost, sends again what it has not got, and goes on.
   * @throws {ProtocolError} unexpected_message when the link has been given up; bad_acknowledgement or
   * bad_batch_number when the numbers cannot be, and then the link is over
   */
  resume({ received, next, live }: Resumed, connection: LinkConnection): void {
    // The timer of a machine that slept may come after the message.
    if (this.#options.clock.now() >= this.#graceUntil) this.end("grace_over");
    if (this.#over) throw new ProtocolError("unexpected_message", { type: "resumed" });
    this.#stopTimers();
    this.#output.disconnect();
    this.#graceUntil = Number.POSITIVE_INFINITY;
    try {
      const hole = next !== (this.#wire.state.received + 1) >>> 0;
      // This memory was never lost: a batch that neither end has was never sent.
      if (this.#wire.replayAfter(received).hole) throw new ProtocolError("bad_acknowledgement", { ack: received });
      this.#wire.skipTo(next);
      const ended = this.streams.endUnlisted(new Set(live), hole);
      this.#options.traffic.resumes += 1;
      this.#options.log("tunnel.resumed", { link: this.id, streams: this.streams.size, ended, hole });
      this.#output.connect(connection);
    } catch (error) {
      this.end("bad_resume");
      throw error;
    }
  }

  /** One message. A breach ends the connection and this link, never the process; late ones change nothing. */
  receive(connection: LinkConnection, message: Uint8Array): void {
    if (connection !== this.#output.connection) return;
    this.#options.traffic.bytes.in += message.byteLength;
    try {
      this.#apply(decodeMessage(message));
    } catch (error) {
      this.fail(connection, error);
      return;
    }
    this.#output.flush();
    this.#output.ackSoon();
  }

  /** This connection broke SPEC.md, or broke this process: the link is over, whoever was at fault. */
  fail(connection: LinkConnection, error: unknown): void {
    if (connection !== this.#output.connection) return;
    const breach = error instanceof ProtocolError;
    const code = breach ? error.code : "internal_error";
    this.#options.log("protocol.broken", { ...(breach ? error.fields : { error: String(error) }), code });
    this.end(code);
    connection.close(breach ? CONNECTION_CLOSE.protocol : 1011, code);
  }

  /** The connection is gone: streams stay until the grace is over, unless its close code ends them. */
  closed(connection: LinkConnection, code: number): void {
    if (connection !== this.#output.connection) return;
    if (this.#leaving) return this.end("shutting_down");
    if (FINAL_CLOSES.has(code)) return this.end(`closed_${code}`);
    this.#output.disconnect();
    this.#graceUntil = this.#options.clock.now() + RESUME_GRACE_MS;
    this.#after(RESUME_GRACE_MS, () => this.end("grace_over"));
  }

  /** The gateway refused to go on with this link, by the code it closed the new connection with. */
  refused(code: number): void {
    if (this.phase === "cut" && FINAL_CLOSES.has(code)) this.end(`closed_${code}`);
  }

  /** Says GOAWAY and serves what is open until no HTTP exchange is, or the deadline; then ends and closes 1001. */
  leave(): void {
    const { connection } = this.#output;
    if (this.#leaving || connection === null) return;
    if (this.isActive) this.#options.identity.release();
    this.#leaving = true;
    connection.send(encodeGoaway(DRAIN_MS, "shutting_down"), () => {});
    const exchanges = this.streams.count("http");
    this.#options.log("tunnel.leaving", { exchanges, deadline_ms: DRAIN_MS });
    this.#after(DRAIN_MS, () => this.#goodbye());
    if (exchanges === 0) this.#goodbye();
  }

  /** Ends every stream at the origin; nothing is told to the gateway. */
  end(reason: string): void {
    if (this.#over) return;
    const served = this.isActive;
    this.#over = true;
    this.#stopTimers();
    this.#output.disconnect();
    this.#options.log("tunnel.link_ended", { link: this.id, reason, streams: this.streams.size });
    this.streams.abandonAll();
    if (served) this.#options.identity.release();
  }

  #apply(message: ConnectionMessage): void {
    switch (message.type) {
      case "batch":
        this.#options.traffic.batches.in += 1;
        for (const frame of this.#wire.receiveBatch(message.number, message.ack, message.body)) this.#applyFrame(frame);
        return;
      case "ack":
        this.#wire.receiveAck(message.ack);
        return;
      case "goaway":
        // The gateway opens no more streams; those that are open go on until it closes the connection.
        this.#options.log("tunnel.draining", { deadline_ms: message.deadlineMs, reason: message.reason });
        return;
      default:
        throw new ProtocolError("unexpected_message", { type: message.type });
    }
  }

  #applyFrame(frame: Frame): void {
    // Standing by is silence: what came before ROSTER would be served by an agent that may write no identity.
    if (!this.#rostered && frame.type !== "roster") throw new ProtocolError("illegal_step", { frame: frame.type });
    switch (frame.type) {
      case "roster":
        if (!this.#rostered) this.#options.log("tunnel.active", { link: this.id });
        this.#rostered = true;
        this.#receiveIdentity(frame);
        return;
      case "identity":
      case "forget":
        this.#receiveIdentity(frame);
        return;
      case "written":
        throw new ProtocolError("illegal_step", { frame: frame.type });
      default:
        this.streams.receive(frame);
    }
  }

  #receiveIdentity(frame: IdentityFrame): void {
    // One that crossed our GOAWAY comes too late: by now another agent may be writing.
    if (!this.#leaving) this.#options.identity.receive(frame, (answer) => this.#queue(answer));
  }

  #queue(frame: Frame): void {
    if (!this.#over) this.#output.queue(frame);
  }

  #leaveWhenQuiet(): void {
    // Not in this event: what closed the stream may still be queueing its last frame.
    if (this.#leaving && this.streams.count("http") === 0) this.#options.clock.soon(() => this.#goodbye());
  }

  #goodbye(): void {
    const { connection } = this.#output;
    if (connection === null || this.#over) return;
    this.streams.stopAll();
    this.#output.flushFrames();
    this.end("shutting_down");
    connection.close(1001, "shutting_down");
  }

  #after(delayMs: number, callback: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  #stopTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
