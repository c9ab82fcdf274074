/**
 * Notices that nothing moves while something should. It has a timer only then: an idle object must be able to forget,
 * and while something waits, the timer is also what keeps the object from forgetting it.
 */
/** Ticks in a period; the first may still see the last movement, so the others decide. */
const TICKS = 5;

export interface Watched {
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
  #timer: ReturnType<typeof setTimeout> | undefined;
  #seen = "";
  #still = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Watches while there is anything to watch; called whenever that may have changed. */
  update(): void {
    if (!this.#watched.needed()) return this.stop();
    if (this.#timer !== undefined) return;
    this.#seen = this.#watched.progress();
    this.#still = 0;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer ?? null);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#tick(), this.#watched.periodMs / TICKS);
  }

  #tick(): void {
    this.#timer = undefined;
    if (!this.#watched.needed()) return;
    const progress = this.#watched.progress();
    this.#still = progress === this.#seen ? this.#still + 1 : 0;
    this.#seen = progress;
    if (this.#still >= TICKS - 1) {
      this.#still = 0;
      this.#watched.stalled();
    }
    // Told of a stall, the owner may have ended the wait, or begun another.
    if (this.#timer === undefined && this.#watched.needed()) this.#arm();
  }
}
