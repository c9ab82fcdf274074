/**
 * WebSocket messages on their way to a browser, in order (SPEC.md section 5): up to 256 KiB whole under credit,
 * larger ones offered and pulled, one at a time, with nothing of the same stream in between.
 */
import { SendCredit } from "#protocol/credit.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame, MessageKind } from "#protocol/frame.ts";
import { MAX_CHUNK_BYTES, MAX_WHOLE_MESSAGE_BYTES } from "#protocol/limits.ts";

interface Message {
  kind: MessageKind;
  bytes: Uint8Array;
}

/** The large message at the head of the queue: offered, and once taken, sent from `offset` on. */
interface Offer {
  attempt: number | null;
  offset: number;
}

export class MessageOutbox {
  readonly #stream: number;
  readonly #queue: (frame: Frame) => void;
  readonly #credit: SendCredit;
  #messages: Message[] = [];
  #bytes = 0;
  #offer: Offer | null = null;

  constructor(stream: number, creditBytes: number, queue: (frame: Frame) => void) {
    this.#stream = stream;
    this.#credit = new SendCredit(creditBytes);
    this.#queue = queue;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Bytes of the messages held, the offered one included. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Whether a large message is on its way, between which and its end nothing else may be sent. */
  get isOffering(): boolean {
    return this.#offer !== null;
  }

  /** Whether {@link sendSome} would queue a frame. */
  get ready(): boolean {
    const first = this.#messages[0];
    if (first === undefined) return false;
    if (isWhole(first)) return this.#credit.available > 0;
    if (this.#offer === null) return true;
    return this.#offer.attempt !== null && this.#offer.offset < first.bytes.byteLength;
  }

  push(kind: MessageKind, bytes: Uint8Array): void {
    this.#messages.push({ kind, bytes });
    this.#bytes += bytes.byteLength;
  }

  /** Sends a small text before everything that waits, if the stream has credit left; for a last word. */
  interject(bytes: Uint8Array): void {
    if (this.isOffering || this.#credit.available <= 0) return;
    this.#credit.spend(bytes.byteLength);
    this.#queue({ type: "text", stream: this.#stream, bytes });
  }

  sendSome(limitBytes: number): void {
    const first = this.#messages[0];
    if (first === undefined) return;
    if (isWhole(first)) {
      this.#credit.spend(first.bytes.byteLength);
      this.#queue({ type: first.kind, stream: this.#stream, bytes: first.bytes });
      this.#shift(first);
    } else if (this.#offer === null) {
      this.#offer = { attempt: null, offset: 0 };
      this.#queue({ type: "offer", stream: this.#stream, kind: first.kind, bytes: first.bytes.byteLength });
    } else if (this.#offer.attempt !== null) {
      const { attempt, offset } = this.#offer;
      const bytes = first.bytes.subarray(offset, offset + Math.min(limitBytes, MAX_CHUNK_BYTES));
      this.#offer.offset += bytes.byteLength;
      this.#queue({ type: "part", stream: this.#stream, attempt, offset, bytes });
    }
  }

  /** Starts sending the offered message, again from its first byte when `attempt` is a later one. */
  take(attempt: number): void {
    if (this.#offer === null || attempt <= (this.#offer.attempt ?? -1)) throw this.#illegal();
    this.#offer = { attempt, offset: 0 };
  }

  /** The offered message arrived whole. */
  taken(): void {
    const first = this.#messages[0];
    if (first === undefined || this.#offer?.offset !== first.bytes.byteLength) throw this.#illegal();
    this.#offer = null;
    this.#shift(first);
  }

  grant(bytes: number): void {
    this.#credit.grant(bytes);
  }

  #shift(first: Message): void {
    this.#messages.shift();
    this.#bytes -= first.bytes.byteLength;
  }

  #illegal(): ProtocolError {
    return new ProtocolError("illegal_step", { stream: this.#stream });
  }
}

function isWhole(message: Message): boolean {
  return message.bytes.byteLength <= MAX_WHOLE_MESSAGE_BYTES;
}
