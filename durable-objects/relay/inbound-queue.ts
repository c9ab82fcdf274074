/** Messages of one browser towards the agent: whole when small, in pieces when large, all under credit, in order. */
import { SendCredit } from "#protocol/credit.ts";
import type { Frame, MessageKind } from "#protocol/frame.ts";
import {
  MAX_BROWSER_BACKLOG_BYTES,
  MAX_CHUNK_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_WHOLE_MESSAGE_BYTES,
} from "#protocol/limits.ts";
import type { ByteBudget } from "./byte-budget.ts";

export type Accepted = "ok" | "too_large" | "too_much" | "crowded";

/** What a message costs here besides its bytes: empty ones must not come for free. */
const MESSAGE_COST_BYTES = 128;

interface Message {
  kind: MessageKind;
  bytes: Uint8Array;
  offset: number;
}

export class InboundQueue {
  #stream: number;
  #credit: SendCredit;
  #budget: ByteBudget;
  #messages: Message[] = [];
  #bytes = 0;
  /** Of the messages since the queue was empty. */
  #largest = 0;

  constructor(stream: number, credit: number, budget: ByteBudget) {
    this.#stream = stream;
    this.#budget = budget;
    this.#credit = new SendCredit(credit);
  }

  get credit(): number {
    return this.#credit.available;
  }

  /** True while something waits for credit: it lives in memory only. */
  get busy(): boolean {
    return this.#messages.length > 0;
  }

  /** @returns whether the browser may go on; besides one message in transit, little may wait */
  push(kind: MessageKind, bytes: Uint8Array): Accepted {
    if (bytes.byteLength > MAX_MESSAGE_BYTES) return "too_large";
    const largest = Math.max(this.#largest, bytes.byteLength);
    const cost = this.#messages.length * MESSAGE_COST_BYTES;
    if (this.#bytes + bytes.byteLength - largest + cost > MAX_BROWSER_BACKLOG_BYTES) return "too_much";
    if (!this.#budget.holdInbound(bytes.byteLength)) return "crowded";
    this.#messages.push({ kind, bytes, offset: 0 });
    this.#bytes += bytes.byteLength;
    this.#largest = largest;
    return "ok";
  }

  grant(bytes: number): void {
    this.#credit.grant(bytes);
  }

  /** True while {@link next} would give a frame. */
  get ready(): boolean {
    return this.#messages.length > 0 && this.#credit.available > 0;
  }

  /** The stream is over; what waited is dropped. */
  drop(): void {
    this.#budget.releaseInbound(this.#bytes);
    this.#messages = [];
    this.#bytes = 0;
  }

  /** Takes the next frame that credit allows, or undefined. */
  next(): Frame | undefined {
    const message = this.#messages[0];
    if (message === undefined || !this.ready) return undefined;
    const { kind, bytes } = message;
    const stream = this.#stream;
    if (bytes.byteLength <= MAX_WHOLE_MESSAGE_BYTES) {
      this.#shift(message);
      this.#credit.spend(bytes.byteLength);
      return { type: kind, stream, bytes };
    }
    const offset = message.offset;
    const chunk = bytes.subarray(offset, offset + MAX_CHUNK_BYTES);
    message.offset += chunk.byteLength;
    if (message.offset === bytes.byteLength) this.#shift(message);
    this.#credit.spend(chunk.byteLength);
    return { type: "piece", stream, kind, total: bytes.byteLength, offset, bytes: chunk };
  }

  #shift(message: Message): void {
    this.#messages.shift();
    if (this.#messages.length === 0) this.#largest = 0;
    this.#bytes -= message.bytes.byteLength;
    this.#budget.releaseInbound(message.bytes.byteLength);
  }
}
