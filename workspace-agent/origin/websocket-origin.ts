/** One WebSocket: a ws stream on one side, a socket to OpenClaw on the other (SPEC.md section 5). */
import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import { type Close, relayableClose } from "#protocol/close-codes.ts";
import { ProtocolError, type ResetCode } from "#protocol/errors.ts";
import type { MessageKind, OpenHead } from "#protocol/frame.ts";
import {
  FIRST_MESSAGE_WAIT_MS,
  MAX_CHUNK_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_WHOLE_MESSAGE_BYTES,
  ORIGIN_UPGRADE_TIMEOUT_MS,
} from "#protocol/limits.ts";
import type { OpenGate } from "../method-gate/open-gate.ts";
import type { Stream, StreamFrame, StreamPort } from "../streams/stream.ts";
import { InboundMessages } from "./inbound-messages.ts";
import { MessageOutbox } from "./message-outbox.ts";
import type { Origin } from "./origin.ts";
import { originFailure } from "./origin-failure.ts";
import { offeredProtocols } from "./origin-socket.ts";
import { readRefusal } from "./refusal.ts";
import { SHUTDOWN_NOTICE, speaksGatewayProtocol } from "./shutdown-notice.ts";

/** Messages held for the browser before the origin's socket is paused. */
const MAX_HELD_BYTES = 2 * MAX_WHOLE_MESSAGE_BYTES;

export class WebSocketOrigin implements Stream {
  readonly #id: number;
  readonly #head: OpenHead;
  readonly #origin: Origin;
  readonly #port: StreamPort;
  readonly #inbound: InboundMessages;
  readonly #outbox: MessageOutbox;
  #socket: WebSocket | null = null;
  #opened = false;
  #accepted = false;
  #over = false;
  #speaksGatewayProtocol = false;
  /** How the origin ended; told once everything before it has been sent. */
  #ended: Close | null = null;
  /** Of the upgrade, then of the wait for the first message. */
  #timer: NodeJS.Timeout | undefined;

  /** Does nothing at the origin before {@link start}. @param openGate null where no gate stands */
  constructor(id: number, head: OpenHead, origin: Origin, port: StreamPort, openGate: OpenGate | null) {
    this.#id = id;
    this.#head = head;
    this.#origin = origin;
    this.#port = port;
    this.#outbox = new MessageOutbox(id, head.credit, (frame) => port.queue(frame));
    this.#inbound = new InboundMessages({
      stream: id,
      send: (kind, bytes, last, written) => this.#write(kind, bytes, last, written),
      grant: (bytes) => port.queue({ type: "credit", stream: id, bytes }),
      gate:
        openGate &&
        ((output) =>
          openGate(head.role, {
            ...output,
            answer: (text) => this.#answer(text),
            end: (code) => this.#endBoth({ code, reason: "" }),
            denied: (denial) => port.queue({ type: "denied", stream: id, ...denial }),
          })),
    });
  }

  /** Asks the origin for the upgrade. */
  start(): void {
    if (this.#over) return;
    const protocols = offeredProtocols(this.#head.headers);
    if (protocols === null) {
      this.refuse("bad_head");
      return;
    }
    const socket = this.#origin.openSocket(this.#head, protocols);
    this.#socket = socket;
    let reason: unknown = null;
    this.#timer = setTimeout(() => this.refuse("origin_timeout"), ORIGIN_UPGRADE_TIMEOUT_MS);
    socket.on("error", (error) => (reason = error));
    socket.on("unexpected-response", (_request, response) => this.#refused(response));
    socket.on("open", () => this.#open(socket));
    socket.on("message", (data, isBinary) => this.#receiveMessage(data as Buffer, isBinary ? "binary" : "text"));
    socket.on("close", (code, text) => this.#closed(code, text.toString(), reason));
  }

  /** Ends the stream with a reset before or instead of an exchange. */
  refuse(code: ResetCode): void {
    if (this.#over) return;
    if (code === "origin_unreachable") this.#origin.health.report(false);
    this.#port.reset(code);
    this.abandon();
  }

  get ready(): boolean {
    if (!this.#accepted || this.#over) return false;
    return this.#outbox.ready || (this.#ended !== null && this.#outbox.isEmpty);
  }

  sendSome(limitBytes: number): void {
    if (!this.#outbox.isEmpty) this.#outbox.sendSome(limitBytes);
    if (this.#outbox.byteLength < MAX_HELD_BYTES) this.#resume();
    if (this.#ended === null || !this.#outbox.isEmpty) return;
    this.#port.queue({ type: "close", stream: this.#id, ...this.#ended });
    this.#finish();
  }

  receive(frame: StreamFrame): void {
    switch (frame.type) {
      case "text":
      case "binary":
      case "piece":
        if (!this.#accepted) throw this.#illegal();
        // After the end of either side nothing goes on any more.
        if (this.#ended === null) this.#inbound.receive(frame);
        return;
      case "take":
        this.#outbox.take(frame.attempt);
        return;
      case "taken":
        this.#outbox.taken();
        if (this.#outbox.byteLength < MAX_HELD_BYTES) this.#resume();
        return;
      case "credit":
        this.#outbox.grant(frame.bytes);
        return;
      case "close":
        this.#finish();
        this.#closeSocket(relayableClose(frame.code, frame.reason));
        return;
      case "reset":
        this.#finish();
        this.#socket?.terminate();
        return;
      default:
        throw this.#illegal();
    }
  }

  abandon(): void {
    this.#leave();
    this.#closeSocket({ code: 1001, reason: "" });
  }

  /** The browser is to come back: it will find this agent restarted, or another one. */
  stop(): void {
    if (this.#over) return;
    // Nothing but parts may follow an offer, and nothing but an answer an upgrade (SPEC.md section 6).
    if (!this.#accepted || this.#outbox.isOffering) {
      this.#port.reset("shutting_down");
    } else {
      if (this.#speaksGatewayProtocol) this.#outbox.interject(SHUTDOWN_NOTICE);
      this.#port.queue({ type: "close", stream: this.#id, code: 1012, reason: "restarting" });
      this.#port.close();
    }
    this.abandon();
  }

  #open(socket: WebSocket): void {
    if (this.#over) return;
    this.#opened = true;
    clearTimeout(this.#timer);
    this.#origin.health.report(true);
    // The worker socket's server waits for the other side to speak (facts/openclaw section 4).
    if (this.#head.routeClass === "worker") this.#accept(socket);
    else this.#timer = setTimeout(() => this.#accept(socket), FIRST_MESSAGE_WAIT_MS);
  }

  #accept(socket: WebSocket): void {
    clearTimeout(this.#timer);
    if (this.#accepted || this.#over) return;
    this.#accepted = true;
    this.#port.queue({ type: "accepted", stream: this.#id, protocol: socket.protocol });
  }

  #receiveMessage(bytes: Buffer, kind: MessageKind): void {
    const socket = this.#socket;
    if (this.#over || socket === null) return;
    const first = !this.#accepted;
    this.#accept(socket);
    if (bytes.byteLength > MAX_MESSAGE_BYTES) {
      this.#endBoth({ code: 1009, reason: "" });
      return;
    }
    if (first) this.#speaksGatewayProtocol = speaksGatewayProtocol(kind, bytes);
    this.#push(kind, bytes);
    // In the batch of ACCEPTED, without a turn: the gateway answers 101 and sends it in one go.
    if (first) this.#outbox.sendSome(MAX_CHUNK_BYTES);
  }

  /** Puts a message behind those that wait for the browser. */
  #push(kind: MessageKind, bytes: Buffer): void {
    this.#outbox.push(kind, bytes);
    if (this.#outbox.byteLength >= MAX_HELD_BYTES) this.#socket?.pause();
    this.#port.wake();
  }

  /** Says something in OpenClaw's place. Whoever asks and does not read is not to fill this memory. */
  #answer(text: string): void {
    if (this.#outbox.byteLength >= MAX_HELD_BYTES) this.#endBoth({ code: 1013, reason: "" });
    else this.#push("text", Buffer.from(text));
  }

  /** Ends the exchange at the origin at once, and towards the browser after what waits. */
  #endBoth(close: Close): void {
    if (this.#over || this.#ended !== null) return;
    this.#ended = close;
    this.#inbound.close();
    this.#closeSocket(close);
    this.#port.wake();
  }

  #refused(response: IncomingMessage): void {
    readRefusal(response, (refusal) => {
      if (this.#over) return;
      if (refusal === null) {
        this.refuse("bad_head");
        return;
      }
      this.#origin.health.report(true);
      this.#port.queue({ type: "refused", stream: this.#id, ...refusal });
      this.#finish();
      this.#socket?.terminate();
    });
  }

  #closed(code: number, text: string, reason: unknown): void {
    if (this.#over || this.#ended !== null) return;
    if (!this.#opened) {
      this.refuse(originFailure(reason));
      return;
    }
    if (this.#socket !== null) this.#accept(this.#socket);
    // The close may wait long for a browser that does not read: memory that all sockets share must not wait with it.
    this.#inbound.close();
    this.#ended = isTooLarge(reason) ? { code: 1009, reason: "" } : relayableClose(code, text);
    this.#port.wake();
  }

  #write(kind: MessageKind, bytes: Uint8Array, last: boolean, written: () => void): void {
    this.#socket?.send(bytes, { binary: kind === "binary", fin: last }, written);
  }

  #resume(): void {
    if (this.#socket?.isPaused) this.#socket.resume();
  }

  #closeSocket(close: Close): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (socket.readyState !== WebSocket.OPEN) {
      socket.terminate();
      return;
    }
    // A paused socket would never read the origin's answer to the close.
    this.#resume();
    socket.close(close.code, close.reason);
  }

  #finish(): void {
    this.#leave();
    this.#port.close();
  }

  #leave(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#inbound.close();
  }

  #illegal(): ProtocolError {
    return new ProtocolError("illegal_step", { stream: this.#id });
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
}
