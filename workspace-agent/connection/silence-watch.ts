/**
 * Finds a peer that froze without a word (SPEC.md section 3.4). After something was sent to which a living peer answers,
 * half the time without a sign asks for one, and the other half gives it up. One timer at most, and none when idle.
 */
import { SILENT_AFTER_MS } from "#protocol/limits.ts";
import type { Clock } from "../clock.ts";

export interface SilenceOptions {
  clock: Clock;
  /** Bytes that came in so far: half of a large message on a slow link is a sign of life too. */
  receivedBytes: () => number;
  /** Bytes that were sent and have not left this process. */
  bufferedBytes: () => number;
  ping: () => void;
  silent: () => void;
}

const HALF_MS = SILENT_AFTER_MS / 2;

export class SilenceWatch {
  readonly #options: SilenceOptions;
  #sentBytes = 0;
  /** When the oldest thing without a sign after it was sent; null when nothing waits for one. */
  #since: number | null = null;
  #received = 0;
  /** What had left a full buffer when the ping was sent; null before that. */
  #pinged: { left: number; full: boolean } | null = null;
  #cancel: (() => void) | null = null;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** Something was sent that a living peer answers. */
  sent(bytes: number): void {
    this.#sentBytes += bytes;
    if (this.#since !== null) return;
    this.#since = this.#options.clock.now();
    this.#received = this.#options.receivedBytes();
    if (this.#cancel === null) this.#wait(HALF_MS);
  }

  /** A message came. */
  heard(): void {
    this.#since = null;
    this.#pinged = null;
  }

  stop(): void {
    this.heard();
    this.#cancel?.();
    this.#cancel = null;
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#cancel = null;
      this.#check();
    });
  }

  #check(): void {
    if (this.#since === null) return;
    const now = this.#options.clock.now();
    const received = this.#options.receivedBytes();
    if (received !== this.#received) {
      this.#received = received;
      this.#since = now;
      this.#pinged = null;
    }
    const waitedMs = now - this.#since;
    if (waitedMs < HALF_MS) return this.#wait(HALF_MS - waitedMs);
    const before = this.#pinged;
    this.#pinged = this.#output();
    if (before === null) this.#options.ping();
    else if (!before.full || this.#pinged.left <= before.left) return this.#options.silent();
    this.#wait(HALF_MS);
  }

  /** Only bytes that leave a full buffer are a sign: those that find room go into the kernel's, whoever listens. */
  #output(): { left: number; full: boolean } {
    const buffered = this.#options.bufferedBytes();
    return { left: this.#sentBytes - buffered, full: buffered > 0 };
  }
}
