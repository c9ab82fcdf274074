/**
 * Notices that nothing moves while something should. It has a timer only then: an idle object must be able to forget,
 * and while something waits, the timer is also what keeps the object from forgetting it.
 */
/** Ticks in a period; the first may still see the last movement, so the others decide. */
const TICKS = 5;

/** Calls back once after `delayMs`. @returns how to cancel that */
export type After = (delayMs: number, callback: () => void) => () => void;

export interface Watched {
  after: After;
  /** Without any progress for this long, `stalled` is called. */
  periodMs: number;
  /** Whether there is anything to wait for; asked at every tick. */
  needed: () => boolean;
  /** Changes whenever something moved. */
  progress: () => string;
  stalled: () => void;
}

export class Watch {
  #watched: Watched;
  #cancel: (() => void) | null = null;
  #seen = "";
  #still = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Watches while there is anything to watch; called whenever that may have changed. */
  update(): void {
    if (!this.#watched.needed()) return this.stop();
    if (this.#cancel !== null) return;
    this.#seen = this.#watched.progress();
    this.#still = 0;
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel = this.#watched.after(this.#watched.periodMs / TICKS, () => this.#tick());
  }

  #tick(): void {
    this.#cancel = null;
    if (!this.#watched.needed()) return;
    const progress = this.#watched.progress();
    this.#still = progress === this.#seen ? this.#still + 1 : 0;
    this.#seen = progress;
    if (this.#still >= TICKS - 1) {
      this.#still = 0;
      this.#watched.stalled();
    }
    // Told of a stall, the owner may have ended the wait, or begun another.
    if (this.#cancel === null && this.#watched.needed()) this.#arm();
  }
}
