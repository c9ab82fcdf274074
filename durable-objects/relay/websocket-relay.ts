/**
 * One browser's WebSocket, after its 101. The socket and its attachment outlive this object's memory;
 * {@link WebSocketRelay} is rebuilt from them at the next event.
 */
import { type Close, relayableClose } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { MAX_BROWSER_BUFFER_BYTES } from "#protocol/limits.ts";
import type { AgentLink, StreamSink } from "../tunnel/agent-link.ts";
import type { BrowserAttachment } from "./browser-attachment.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { InboundSender } from "./inbound-sender.ts";
import { LastWords } from "./last-words.ts";
import type { LargeMessages } from "./large-messages.ts";
import { OutboundCredit } from "./outbound-credit.ts";

/** The socket's buffer is looked at soon after something was sent, then less and less often while it stands still. */
const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 32;
/** A browser that takes nothing for this long is closed. */
const STALL_MS = 30_000;
/** A large message counts as delivered when no more than this of it waits. */
const DRAINED_BYTES = 256 * 1024;
/** Without ignoreBOM a message that starts with U+FEFF would lose it. */
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const encoder = new TextEncoder();

/** What all of an object's browsers share. */
export interface SharedByRelays {
  large: LargeMessages;
  budget: ByteBudget;
  /** The agent kept a message of this person's from OpenClaw. */
  denied(person: string, denial: Extract<Frame, { type: "denied" }>): void;
}

export class WebSocketRelay implements StreamSink {
  #socket: WebSocket;
  #attachment: BrowserAttachment;
  #link: AgentLink;
  #large: LargeMessages;
  #budget: ByteBudget;
  #shared: SharedByRelays;
  #outbound: OutboundCredit;
  #inbound: InboundSender;
  #looking = false;
  #waitMs = FIRST_LOOK_MS;
  #sentBytes = 0;
  #takenBytes = 0;
  #stalledMs = 0;
  #over = false;

  constructor(socket: WebSocket, attachment: BrowserAttachment, link: AgentLink, shared: SharedByRelays) {
    this.#socket = socket;
    this.#attachment = attachment;
    this.#link = link;
    this.#large = shared.large;
    this.#budget = shared.budget;
    this.#shared = shared;
    this.#outbound = new OutboundCredit(socket, attachment.window, attachment.granted, shared.budget);
    this.#inbound = new InboundSender(link, attachment.stream, attachment.credit, shared.budget, {
      queued: (batch) => (this.#attachment.last = batch),
      changed: () => this.#persist(),
    });
    this.#persist();
    if (attachment.takenDue) this.#settle();
  }

  get stream(): number {
    return this.#attachment.stream;
  }

  /** Bytes that wait in this browser's socket. */
  get pendingBytes(): number {
    return this.#outbound.pendingBytes;
  }

  get offered(): BrowserAttachment["offered"] {
    return this.#attachment.offered;
  }

  receive(frame: Frame): void {
    if (this.#over) return;
    switch (frame.type) {
      case "text":
      case "binary":
        this.#outbound.receive(frame.bytes.byteLength);
        this.#toBrowser(frame.type, frame.bytes);
        return;
      case "offer":
        if (this.#attachment.offered !== null) throw new ProtocolError("illegal_step", { frame: frame.type });
        this.#attachment.offered = { kind: frame.kind, bytes: frame.bytes, attempt: 0 };
        this.#persist();
        this.#large.offer(this);
        return;
      case "part":
        this.#large.part(this, frame);
        return;
      case "credit":
        this.#inbound.grant(frame.bytes);
        return;
      case "denied":
        this.#shared.denied(this.#attachment.person, frame);
        return;
      case "close": {
        const close = relayableClose(frame.code, frame.reason);
        this.#end(close.code, close.reason);
        return;
      }
      case "reset":
        this.#end(1012, "stream reset");
        return;
      default:
        throw new ProtocolError("illegal_step", { frame: frame.type });
    }
  }

  /** A message of the browser. */
  message(message: string | ArrayBuffer): void {
    if (this.#over) return;
    const text = typeof message === "string";
    const accepted = this.#inbound.push(
      text ? "text" : "binary",
      text ? encoder.encode(message) : new Uint8Array(message),
    );
    if (accepted === "too_large") return this.close(1009, "message too large", 1009);
    if (accepted === "too_much") return this.close(1013, "sending too fast", 1013);
    if (accepted === "crowded") return this.close(1013, "the gateway is busy", 1013);
  }

  /** The browser closed, or its connection is gone. */
  closed(code: number, reason: string): void {
    if (this.#over) return;
    const close = relayableClose(code, reason);
    if (this.#inbound.busy) {
      this.#leave(close);
      new LastWords(this.#link, this.stream, this.#inbound, close);
      return;
    }
    this.#queue({ type: "close", stream: this.stream, code: close.code, reason: close.reason });
    this.#end(close.code, close.reason);
  }

  /** Ends the exchange from here: `code` to the browser, `originCode` to OpenClaw. */
  close(code: number, reason: string, originCode: number): void {
    if (this.#over) return;
    this.#queue({ type: "close", stream: this.stream, code: originCode, reason });
    this.#end(code, reason);
  }

  lost(): void {
    this.#end(1012, "connection to the workspace lost");
  }

  /**
   * Starts a try at the offered message. Tries are numbered past a loss of memory, so that old parts are told apart.
   * @returns the message's size in bytes
   */
  startTaking(): number {
    const offered = this.#attachment.offered;
    if (offered === null) throw new ProtocolError("illegal_step", { frame: "take" });
    offered.attempt += 1;
    this.#queue({ type: "take", stream: this.stream, attempt: offered.attempt });
    this.#persist();
    return offered.bytes;
  }

  deliverOffered(bytes: Uint8Array): void {
    const kind = this.#attachment.offered?.kind ?? "binary";
    // From here on the message must not be taken again, whatever is forgotten.
    this.#attachment.offered = null;
    this.#attachment.takenDue = true;
    this.#toBrowser(kind, bytes);
  }

  #toBrowser(kind: "text" | "binary", bytes: Uint8Array): void {
    // Asked before this message: one large message may stand in the buffer by itself.
    if ((this.#socket.bufferedAmount ?? 0) > MAX_BROWSER_BUFFER_BYTES)
      return this.close(1013, "reading too slowly", 1013);
    this.#sentBytes += bytes.byteLength;
    this.#socket.send(kind === "text" ? decoder.decode(bytes) : bytes);
    this.#settle();
  }

  /** Grants what the browser has taken. */
  #settle(): void {
    const buffered = this.#socket.bufferedAmount ?? 0;
    const increment = this.#outbound.settle();
    if (increment > 0) this.#queue({ type: "credit", stream: this.stream, bytes: increment });
    if (this.#attachment.takenDue && buffered <= DRAINED_BYTES) {
      this.#attachment.takenDue = false;
      this.#queue({ type: "taken", stream: this.stream });
      this.#large.delivered(this);
    }
    this.#persist();
    if (this.#outbound.pendingBytes > 0 || this.#attachment.takenDue) this.#lookAgain();
  }

  /** A timer exists only while something sent still waits. */
  #lookAgain(): void {
    if (this.#looking) return;
    this.#looking = true;
    const waitMs = this.#waitMs;
    setTimeout(() => {
      this.#looking = false;
      if (this.#over) return;
      const taken = this.#sentBytes - (this.#socket.bufferedAmount ?? 0);
      // Time counts, not messages: what is sent in one event waits together, and says nothing about the browser.
      const moved = taken > this.#takenBytes;
      this.#takenBytes = taken;
      this.#stalledMs = moved ? 0 : this.#stalledMs + waitMs;
      this.#waitMs = moved ? FIRST_LOOK_MS : Math.min(2 * waitMs, LAST_LOOK_MS);
      if (this.#stalledMs > STALL_MS) this.close(1013, "reading too slowly", 1013);
      else this.#settle();
      this.#link.flush();
    }, waitMs);
  }

  #queue(frame: Frame): void {
    this.#attachment.last = this.#link.queue(frame);
  }

  #persist(): void {
    if (this.#over || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#attachment.granted = this.#outbound.granted;
    this.#attachment.credit = this.#inbound.credit;
    this.#attachment.busy = this.#inbound.busy;
    this.#socket.serializeAttachment(this.#attachment);
  }

  /** Ends the stream with everything that waits on it. */
  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#inbound.drop();
    this.#link.release(this.stream);
    this.#leave({ code, reason });
  }

  /** The browser's side is over; the stream may not be. */
  #leave({ code, reason }: Close): void {
    this.#over = true;
    this.#large.forget(this);
    this.#outbound.drop();
    this.#budget.releaseWindow(this.#attachment.window);
    try {
      this.#socket.close(code, reason);
    } catch {
      // Already closed by the other side.
    }
  }
}
