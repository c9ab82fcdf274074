/** One WebSocket: a ws stream on one side, a socket to OpenClaw on the other (SPEC.md section 5). */
import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import { type Close, relayableClose } from "#protocol/close-codes.ts";
import { ReceiveCredit } from "#protocol/credit.ts";
import { ProtocolError, type ResetCode } from "#protocol/errors.ts";
import type { MessageKind, OpenHead } from "#protocol/frame.ts";
import {
  FIRST_MESSAGE_WAIT_MS,
  MAX_CHUNK_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_WHOLE_MESSAGE_BYTES,
  ORIGIN_UPGRADE_TIMEOUT_MS,
} from "#protocol/limits.ts";
import type { Stream, StreamFrame, StreamPort } from "../streams/stream.ts";
import { MessageOutbox } from "./message-outbox.ts";
import type { Origin } from "./origin.ts";
import { originFailure } from "./origin-failure.ts";
import { offeredProtocols } from "./origin-socket.ts";
import { PieceOrder } from "./piece-order.ts";
import { readRefusal } from "./refusal.ts";
import { SHUTDOWN_NOTICE, speaksGatewayProtocol } from "./shutdown-notice.ts";

/** Messages held for the browser before the origin's socket is paused. */
const MAX_HELD_BYTES = 2 * MAX_WHOLE_MESSAGE_BYTES;

export class WebSocketOrigin implements Stream {
  readonly #id: number;
  readonly #head: OpenHead;
  readonly #origin: Origin;
  readonly #port: StreamPort;
  readonly #inbound = new ReceiveCredit();
  readonly #outbox: MessageOutbox;
  readonly #pieces = new PieceOrder();
  #socket: WebSocket | null = null;
  #opened = false;
  #accepted = false;
  #over = false;
  #speaksGatewayProtocol = false;
  /** How the origin ended; told once everything before it has been sent. */
  #ended: Close | null = null;
  /** Of the upgrade, then of the wait for the first message. */
  #timer: NodeJS.Timeout | undefined;

  /** Does nothing at the origin before {@link start}. */
  constructor(id: number, head: OpenHead, origin: Origin, port: StreamPort) {
    this.#id = id;
    this.#head = head;
    this.#origin = origin;
    this.#port = port;
    this.#outbox = new MessageOutbox(id, head.credit, (frame) => port.queue(frame));
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
        if (!this.#accepted || this.#pieces.isOpen) throw this.#illegal();
        this.#inbound.receive(frame.bytes.byteLength);
        this.#write(frame.type, frame.bytes, true);
        return;
      case "piece":
        if (!this.#accepted) throw this.#illegal();
        this.#inbound.receive(frame.bytes.byteLength);
        // Each piece goes on as a fragment of one message: nothing is collected here, and credit stays true.
        this.#write(frame.kind, frame.bytes, this.#pieces.receive(frame));
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
    this.#over = true;
    clearTimeout(this.#timer);
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
      this.#ended = { code: 1009, reason: "" };
      this.#closeSocket(this.#ended);
      this.#port.wake();
      return;
    }
    if (first) this.#speaksGatewayProtocol = speaksGatewayProtocol(kind, bytes);
    this.#outbox.push(kind, bytes);
    if (this.#outbox.byteLength >= MAX_HELD_BYTES) socket.pause();
    // In the batch of ACCEPTED, without a turn: the gateway answers 101 and sends it in one go.
    if (first) this.#outbox.sendSome(MAX_CHUNK_BYTES);
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
    this.#ended = isTooLarge(reason) ? { code: 1009, reason: "" } : relayableClose(code, text);
    this.#port.wake();
  }

  #write(kind: MessageKind, bytes: Uint8Array, last: boolean): void {
    this.#socket?.send(bytes, { binary: kind === "binary", fin: last }, (error) => {
      if (error || this.#over) return;
      const increment = this.#inbound.deliver(bytes.byteLength);
      if (increment > 0) this.#port.queue({ type: "credit", stream: this.#id, bytes: increment });
    });
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
    this.#over = true;
    clearTimeout(this.#timer);
    this.#port.close();
  }

  #illegal(): ProtocolError {
    return new ProtocolError("illegal_step", { stream: this.#id });
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
}
