/**
 * Large messages towards browsers are pulled one at a time for the whole object, and only as many wait in browsers'
 * buffers as its memory has room for (SPEC.md section 6, OFFER and TAKE). The queue is rebuilt from attachments after
 * a loss of memory.
 */
import { ProtocolError } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { MAX_OBJECT_BYTES } from "#protocol/limits.ts";
import type { WebSocketRelay } from "./websocket-relay.ts";

export class LargeMessages {
  #waiting: WebSocketRelay[] = [];
  /** Handed to browsers that have not taken them in yet: bytes by relay, at most one each. */
  #waitingThere = new Map<WebSocketRelay, number>();
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
    if (taking.offset < taking.bytes.byteLength) return;
    this.#taking = undefined;
    this.#waitingThere.set(relay, taking.bytes.byteLength);
    relay.deliverOffered(taking.bytes);
    this.#next();
  }

  /** The browser has taken the message in: there is room for another. */
  delivered(relay: WebSocketRelay): void {
    if (this.#waitingThere.delete(relay)) this.#next();
  }

  forget(relay: WebSocketRelay): void {
    this.#waiting = this.#waiting.filter((other) => other !== relay);
    const held = this.#waitingThere.delete(relay);
    if (this.#taking?.relay === relay) this.#taking = undefined;
    else if (!held) return;
    this.#next();
  }

  #next(): void {
    if (this.#taking !== undefined) return;
    const relay = this.#waiting[0];
    if (relay === undefined) return;
    let held = 0;
    for (const bytes of this.#waitingThere.values()) held += bytes;
    if (held > 0 && held + (relay.offered?.bytes ?? 0) > MAX_OBJECT_BYTES) return;
    this.#waiting.shift();
    this.#taking = { relay, bytes: new Uint8Array(relay.startTaking()), offset: 0 };
  }
}
