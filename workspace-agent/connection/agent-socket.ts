/**
 * One connection after WELCOME: messages in, batches out. A message is decoded, applied and answered in its own
 * event. What is decoded are views on the message; `ws` never reuses a message's memory, so they may be kept.
 */
import WebSocket from "ws";
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError, type ResetCode } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { AGENT_ACK_DELAY_MS, MAX_UNACKNOWLEDGED_BYTES, PING_INTERVAL_MS } from "#protocol/limits.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage } from "#protocol/messages.ts";
import type { Log } from "../log.ts";
import { type OpenStream, Streams } from "../streams/streams.ts";
import { Turns } from "../streams/turns.ts";

/** Unsent bytes towards the gateway at which bodies wait: a slow uplink must not fill this machine's memory. */
const MAX_SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** Time the platform has to answer a ping before the connection counts as dead. */
const PONG_WAIT_MS = 10_000;

export type IdentityFrame = Extract<Frame, { type: "roster" | "identity" | "forget" }>;

export interface AgentSocketOptions {
  openStream: OpenStream;
  /** Takes an identity frame, in order; `answer` sends a frame on this connection, or nothing once it is over. */
  receiveIdentity: (frame: IdentityFrame, answer: (frame: Frame) => void) => void;
  log: Log;
}

export class AgentSocket {
  readonly #socket: WebSocket;
  readonly #options: AgentSocketOptions;
  readonly #link: Link;
  readonly #turns: Turns;
  readonly #streams: Streams;
  #flushDue = false;
  #over = false;
  #ackTimer: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;
  readonly #pingTimer: NodeJS.Timeout;

  /** Takes over a socket in the event of its WELCOME. */
  constructor(socket: WebSocket, options: AgentSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#link = new Link({ ...NEW_LINK }, (message) => this.#send(message));
    this.#turns = new Turns(() => this.#hasRoom());
    const queue = (frame: Frame) => this.#queue(frame);
    this.#streams = new Streams(options.openStream, queue, this.#turns, () => this.#flushSoon());
    this.#pingTimer = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("close", () => this.#end());
  }

  /** Ends every stream at both ends, then the connection. */
  stop(code: ResetCode): void {
    if (this.#over) return;
    this.#streams.resetAll(code);
    this.#link.flush(true);
    this.#end();
    this.#socket.close(1001, code);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    try {
      if (isBinary) this.#apply(data);
      else this.#pong(data);
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : "internal";
      const fields = error instanceof ProtocolError ? error.fields : { error: String(error) };
      this.#options.log("protocol.broken", { ...fields, code });
      // The batch counts as applied and was not: the link is over, whoever was at fault.
      this.#end();
      this.#socket.close(error instanceof ProtocolError ? CONNECTION_CLOSE.protocol : 1011, code);
      return;
    }
    this.#flush();
    if (this.#link.state.unackedBatches > 0) {
      this.#ackTimer ??= setTimeout(() => {
        this.#ackTimer = undefined;
        this.#link.flush(true);
      }, AGENT_ACK_DELAY_MS);
    }
  }

  #apply(data: Buffer): void {
    const message = decodeMessage(data);
    switch (message.type) {
      case "batch":
        for (const frame of this.#link.receiveBatch(message.number, message.ack, message.body)) this.#applyFrame(frame);
        return;
      case "ack":
        this.#link.receiveAck(message.ack);
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
    switch (frame.type) {
      case "roster":
      case "identity":
      case "forget":
        this.#options.receiveIdentity(frame, (answer) => this.#queue(answer));
        return;
      case "written":
        throw new ProtocolError("illegal_step");
      default:
        this.#streams.receive(frame);
    }
  }

  #queue(frame: Frame): void {
    if (this.#over) return;
    this.#link.queue(frame);
    this.#flushSoon();
  }

  /** One batch for everything that this turn of the event loop produces. */
  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#over) return;
    this.#turns.run();
    this.#link.flush();
  }

  #hasRoom(): boolean {
    return (
      !this.#over &&
      this.#link.unacknowledgedBytes <= MAX_UNACKNOWLEDGED_BYTES &&
      this.#socket.bufferedAmount <= MAX_SOCKET_BUFFER_BYTES
    );
  }

  #send(message: Uint8Array): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    // Once it is written there may be room again for those whose turn was put off.
    this.#socket.send(message, () => this.#flushSoon());
  }

  #ping(): void {
    if (this.#pongTimer !== undefined) return;
    this.#socket.send("ping");
    this.#pongTimer = setTimeout(() => this.#socket.terminate(), PONG_WAIT_MS);
  }

  #pong(data: Buffer): void {
    if (data.toString() !== "pong") throw new ProtocolError("unexpected_message");
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#pongTimer);
    clearInterval(this.#pingTimer);
    this.#streams.abandonAll();
  }
}
