/**
 * The rate-limit seam: exact token buckets per key, in memory. An object forgets after 10 s of idleness at the
 * earliest, and each bucket refills within that, so nothing is won by being forgotten.
 */

interface Rule {
  capacity: number;
  refillPerSecond: number;
}

/** A cold page load is about 80 requests; refill time is below 10 s in every row. */
const RULES = {
  requests: { capacity: 600, refillPerSecond: 100 },
  upgrades: { capacity: 40, refillPerSecond: 5 },
  denials: { capacity: 20, refillPerSecond: 2 },
} satisfies Record<string, Rule>;

export type LimitName = keyof typeof RULES;

/** Keys remembered at once; beyond that, full buckets are dropped first by forgetting the oldest. */
const MAX_KEYS = 10_000;

export class Limits {
  #now: () => number;
  #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns 0 when one token was taken, else the milliseconds until there is one */
  spend(name: LimitName, key: string): number {
    const rule: Rule = RULES[name];
    const now = this.#now();
    const id = `${name} ${key}`;
    const bucket = this.#buckets.get(id) ?? { tokens: rule.capacity, at: now };
    const tokens = Math.min(rule.capacity, bucket.tokens + ((now - bucket.at) / 1000) * rule.refillPerSecond);
    const taken = tokens >= 1;
    this.#buckets.delete(id);
    this.#buckets.set(id, { tokens: taken ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > MAX_KEYS) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return taken ? 0 : Math.ceil(((1 - tokens) / rule.refillPerSecond) * 1000);
  }
}
