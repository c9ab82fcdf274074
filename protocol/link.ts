/**
 * One life of numbered batches (SPEC.md section 3), the same at both ends. It queues frames, makes batches of them,
 * keeps them until they are acknowledged, and checks the numbers of what comes in. No clock, no socket: `send` is passed in.
 */
import { decodeFrames, encodeFrame } from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { ACK_AFTER_BATCHES, ACK_AFTER_BYTES, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "./limits.ts";
import { encodeAck, encodeBatch } from "./messages.ts";

/** The counters that survive: in the object they live in the agent socket's attachment, written in the same event. */
export interface LinkState {
  /** Last batch applied. */
  received: number;
  /** Last batch sent. */
  sent: number;
  /** Last batch of ours that the peer has acknowledged. */
  acknowledged: number;
  /** Bytes and batches applied since we last told the peer. */
  unackedBytes: number;
  unackedBatches: number;
}

export const NEW_LINK: Readonly<LinkState> = {
  received: 0,
  sent: 0,
  acknowledged: 0,
  unackedBytes: 0,
  unackedBatches: 0,
};

export class Link {
  readonly state: LinkState;
  #send: (message: Uint8Array<ArrayBuffer>) => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Sizes of batches in flight, oldest first. The bytes themselves are kept with RESUME (SPEC.md section 10). */
  #inFlight: { number: number; bytes: number }[] = [];
  #inFlightBytes = 0;

  constructor(state: LinkState, send: (message: Uint8Array<ArrayBuffer>) => void) {
    this.state = state;
    this.#send = send;
  }

  /** Bytes queued or sent and not yet acknowledged, as far as this memory knows. */
  get unacknowledgedBytes(): number {
    return this.#inFlightBytes + this.#queuedBytes;
  }

  /** Adds a frame to the batch under way; it leaves with {@link flush}, or at once when the batch is full. */
  queue(frame: Frame): void {
    const bytes = encodeFrame(frame);
    if (this.#queuedBytes + bytes.byteLength > MAX_BATCH_BYTES || this.#queue.length === MAX_BATCH_FRAMES) this.flush();
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
  }

  /** Sends what is queued as one batch; otherwise only an acknowledgement, when one is due or `force` asks for it. */
  flush(force = false): void {
    const { state } = this;
    if (this.#queue.length > 0) {
      state.sent = next(state.sent);
      this.#inFlight.push({ number: state.sent, bytes: this.#queuedBytes });
      this.#inFlightBytes += this.#queuedBytes;
      const message = encodeBatch(state.sent, state.received, this.#queue);
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#told();
      this.#send(message);
    } else if (
      state.unackedBatches > 0 &&
      (force || state.unackedBytes >= ACK_AFTER_BYTES || state.unackedBatches >= ACK_AFTER_BATCHES)
    ) {
      this.#told();
      this.#send(encodeAck(state.received));
    }
  }

  /**
   * Takes one batch. The caller applies the frames in the same event; the counter is already raised, so a throw
   * half-way must end the link.
   * @throws {ProtocolError} bad_batch_number unless it is the next one
   */
  receiveBatch(number: number, ack: number, body: Uint8Array): Frame[] {
    if (number !== next(this.state.received)) {
      throw new ProtocolError("bad_batch_number", { number, received: this.state.received });
    }
    this.receiveAck(ack);
    const frames = decodeFrames(body, MAX_BATCH_FRAMES);
    this.state.received = number;
    this.state.unackedBatches += 1;
    this.state.unackedBytes += body.byteLength;
    return frames;
  }

  /** @throws {ProtocolError} bad_acknowledgement when the peer acknowledges what was never sent, or takes one back */
  receiveAck(ack: number): void {
    const { state } = this;
    const ahead = (state.sent - ack) >>> 0;
    if (ahead > (state.sent - state.acknowledged) >>> 0) throw new ProtocolError("bad_acknowledgement", { ack });
    state.acknowledged = ack;
    while (this.#inFlight.length > 0) {
      const oldest = this.#inFlight[0];
      if (oldest === undefined || (ack - oldest.number) >>> 0 > 0x7fffffff) break;
      this.#inFlight.shift();
      this.#inFlightBytes -= oldest.bytes;
    }
  }

  #told(): void {
    this.state.unackedBytes = 0;
    this.state.unackedBatches = 0;
  }
}

function next(number: number): number {
  return (number + 1) >>> 0;
}
