/**
 * One life of numbered batches over one or more connections (SPEC.md section 3), the same at both ends. It queues frames,
 * makes batches of them, keeps them until they are acknowledged, and checks the numbers of what comes in. No clock, no
 * socket: `send` is passed in, and between two connections there is none.
 */
import { decodeFrames, encodeFrame } from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { ACK_AFTER_BATCHES, ACK_AFTER_BYTES, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "./limits.ts";
import { encodeAck, encodeBatch, updateBatchAck } from "./messages.ts";

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

/** What the other end has still to get after a cut, by RESUMED (SPEC.md section 3). */
export interface Replay {
  /** Number of the next batch that it will get. */
  next: number;
  /** Whether batches before that are gone: they were sent, not received, and this end's memory was lost. */
  hole: boolean;
}

export type Send = (message: Uint8Array<ArrayBuffer>) => void;

export class Link {
  readonly state: LinkState;
  #send: Send | null;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Batches that are not acknowledged, oldest first, as they were sent: a new connection gets them again. */
  #outbox: { number: number; message: Uint8Array<ArrayBuffer> }[] = [];
  #outboxBytes = 0;

  /** @param send null while there is no connection */
  constructor(state: LinkState, send: Send | null) {
    this.state = state;
    this.#send = send;
  }

  /** Bytes queued or sent and not yet acknowledged, as far as this memory knows. */
  get unacknowledgedBytes(): number {
    return this.#outboxBytes + this.#queuedBytes;
  }

  /** Whether batches wait for an acknowledgement; the loss of this memory would lose them with the connection. */
  get isWaiting(): boolean {
    return this.#outbox.length > 0;
  }

  /**
   * Adds a frame to the batch under way; it leaves with {@link flush}, or at once when the batch is full.
   * @returns the number of its batch
   */
  queue(frame: Frame): number {
    const bytes = encodeFrame(frame);
    if (this.#queuedBytes + bytes.byteLength > MAX_BATCH_BYTES || this.#queue.length === MAX_BATCH_FRAMES) this.flush();
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
    return next(this.state.sent);
  }

  /** Sends what is queued as one batch; otherwise only an acknowledgement, when one is due or `force` asks for it. */
  flush(force = false): void {
    const { state } = this;
    if (this.#queue.length > 0) {
      state.sent = next(state.sent);
      const message = encodeBatch(state.sent, state.received, this.#queue);
      this.#outbox.push({ number: state.sent, message });
      this.#outboxBytes += message.byteLength;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#told();
      this.#send?.(message);
    } else if (
      this.#send !== null &&
      state.unackedBatches > 0 &&
      (force || state.unackedBytes >= ACK_AFTER_BYTES || state.unackedBatches >= ACK_AFTER_BATCHES)
    ) {
      this.#told();
      this.#send(encodeAck(state.received));
    }
  }

  /** The connection is gone; what is sent from now on waits for {@link reconnect}. */
  disconnect(): void {
    this.#send = null;
  }

  /**
   * Takes the other end's word for what it has: the object by HELLO's `recv`, the agent by RESUMED's.
   * @throws {ProtocolError} bad_acknowledgement when that cannot be
   */
  replayAfter(received: number): Replay {
    this.receiveAck(received);
    const first = this.#outbox[0]?.number ?? next(this.state.sent);
    return { next: first, hole: first !== next(received) };
  }

  /**
   * Skips batches that the other end has lost; the streams that they belonged to have ended.
   * @throws {ProtocolError} bad_batch_number when it would go back
   */
  skipTo(number: number): void {
    const received = (number - 1) >>> 0;
    if ((received - this.state.received) >>> 0 > 0x7fffffff) throw new ProtocolError("bad_batch_number", { number });
    this.state.received = received;
  }

  /** Goes on over a new connection: every batch that is not acknowledged first, then what comes. */
  reconnect(send: Send): void {
    this.#send = send;
    this.#told();
    for (const { message } of this.#outbox) {
      updateBatchAck(message, this.state.received);
      send(message);
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
    let done = 0;
    for (const { number, message } of this.#outbox) {
      if ((ack - number) >>> 0 > 0x7fffffff) break;
      this.#outboxBytes -= message.byteLength;
      done++;
    }
    if (done > 0) this.#outbox.splice(0, done);
  }

  #told(): void {
    this.state.unackedBytes = 0;
    this.state.unackedBatches = 0;
  }
}

function next(number: number): number {
  return (number + 1) >>> 0;
}
