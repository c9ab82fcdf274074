/**
 * Large messages towards browsers are pulled one at a time for the whole object, so that memory holds one
 * (SPEC.md section 6, OFFER and TAKE). The queue is rebuilt from attachments after a loss of memory.
 */
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import type { WebSocketRelay } from "./websocket-relay.ts";

export class LargeMessages {
  #waiting: WebSocketRelay[] = [];
  #taking: { relay: WebSocketRelay; bytes: Uint8Array; offset: number } | undefined;

  offer(relay: WebSocketRelay): void {
    if (this.#taking?.relay === relay || this.#waiting.includes(relay)) return;
    this.#waiting.push(relay);
    this.#next();
  }

  part(relay: WebSocketRelay, frame: Extract<Frame, { type: "part" }>): void {
    const taking = this.#taking;
    const offered = relay.offered;
    if (offered === null) throw new ProtocolError("illegal_step", { frame: "part" });
    // A part of an earlier try, or of a try that this memory never made.
    if (taking?.relay !== relay || frame.attempt !== offered.attempt) return;
    if (frame.offset !== taking.offset || frame.offset + frame.bytes.byteLength > taking.bytes.byteLength) {
      throw new ProtocolError("bad_chunk", { offset: frame.offset });
    }
    taking.bytes.set(frame.bytes, taking.offset);
    taking.offset += frame.bytes.byteLength;
    if (taking.offset === taking.bytes.byteLength) relay.deliverOffered(taking.bytes);
  }

  /** The browser has taken the message in: only then is there room for another. */
  delivered(relay: WebSocketRelay): void {
    if (this.#taking?.relay !== relay) return;
    this.#taking = undefined;
    this.#next();
  }

  forget(relay: WebSocketRelay): void {
    this.#waiting = this.#waiting.filter((other) => other !== relay);
    if (this.#taking?.relay !== relay) return;
    this.#taking = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#taking !== undefined) return;
    const relay = this.#waiting.shift();
    if (relay === undefined) return;
    this.#taking = { relay, bytes: new Uint8Array(relay.startTaking()), offset: 0 };
  }
}
