/** One direction of a connection under some weather: what comes in goes out later, slower, or not at all. */
import type { Socket } from "node:net";

export interface Weather {
  /** Added to every byte's way. */
  delayMs: number;
  bytesPerSecond: number;
  /** Nothing moves until then. */
  stalledUntil: number;
}

/** What a pipe holds before it stops reading, about a socket's buffer. */
const MAX_HELD_BYTES = 256 * 1024;
/** At a limited speed bytes leave in steps of this length. */
const STEP_MS = 10;

export class ShapedPipe {
  /** Bytes that came out so far. */
  bytes = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  readonly #count: (bytes: number) => void;
  #held: { bytes: Buffer; due: number }[] = [];
  #heldBytes = 0;
  #nextAt = 0;
  #waiting = false;
  #ended = false;
  #dropped = false;

  constructor(from: Socket, to: Socket, weather: Weather, count: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#count = count;
    from.on("data", (bytes) => this.#take(bytes as Buffer));
    from.on("end", () => {
      this.#ended = true;
      this.#move();
    });
  }

  /** Forgets what it holds; whatever still comes is swallowed. */
  drop(): void {
    this.#dropped = true;
    this.#held = [];
    this.#from.resume();
  }

  #take(bytes: Buffer): void {
    if (this.#dropped) return;
    this.#held.push({ bytes, due: Date.now() + this.#weather.delayMs });
    this.#heldBytes += bytes.byteLength;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#from.pause();
    this.#move();
  }

  #move(): void {
    while (!this.#waiting && !this.#dropped && !this.#to.destroyed) {
      const first = this.#held[0];
      if (first === undefined) {
        if (this.#ended) this.#to.end();
        return;
      }
      const now = Date.now();
      const at = Math.max(first.due, this.#weather.stalledUntil, this.#nextAt);
      if (at > now) {
        this.#wait();
        setTimeout(() => this.#goOn(), Math.min(at - now, STEP_MS * 5));
        return;
      }
      const limit = (this.#weather.bytesPerSecond * STEP_MS) / 1000;
      const step = first.bytes.byteLength <= limit ? first.bytes : first.bytes.subarray(0, Math.ceil(limit));
      if (step === first.bytes) this.#held.shift();
      else first.bytes = first.bytes.subarray(step.byteLength);
      this.#heldBytes -= step.byteLength;
      if (this.#heldBytes <= MAX_HELD_BYTES) this.#from.resume();
      this.bytes += step.byteLength;
      this.#count(step.byteLength);
      this.#nextAt = Math.max(now, this.#nextAt) + (step.byteLength / this.#weather.bytesPerSecond) * 1000;
      if (!this.#to.write(step)) {
        this.#wait();
        this.#to.once("drain", () => this.#goOn());
      }
    }
  }

  #wait(): void {
    this.#waiting = true;
  }

  #goOn(): void {
    this.#waiting = false;
    this.#move();
  }
}
