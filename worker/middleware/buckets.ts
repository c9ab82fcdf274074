/** Token buckets by name, in this isolate: exact here, forgotten with it. */

const MAX_NAMES = 10_000;

export class Buckets {
  #buckets = new Map<string, { tokens: number; atMs: number }>();
  #burst: number;
  #perSecond: number;
  #now: () => number;

  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** @returns whether there was a token */
  spend(name: string): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(name) ?? { tokens: this.#burst, atMs: now };
    const tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.atMs) / 1000) * this.#perSecond);
    // Taken out first: a Map keeps the order of insertion, so that the one unused longest is first.
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now });
    if (this.#buckets.size > MAX_NAMES) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    return tokens >= 1;
  }
}
