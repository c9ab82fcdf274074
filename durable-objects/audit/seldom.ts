/** Keeps one person from filling the audit: what repeats itself is written once a minute. */

const EVERY_MS = 60_000;
const MAX_KEYS = 1_000;

export class Seldom {
  #now: () => number;
  #written = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns whether `key` was not let through within the last minute, as far as this memory knows */
  admits(key: string): boolean {
    const now = this.#now();
    const writtenAt = this.#written.get(key);
    if (writtenAt !== undefined && now - writtenAt < EVERY_MS) return false;
    this.#written.delete(key);
    this.#written.set(key, now);
    if (this.#written.size > MAX_KEYS) {
      const oldest = this.#written.keys().next().value;
      if (oldest !== undefined) this.#written.delete(oldest);
    }
    return true;
  }
}
