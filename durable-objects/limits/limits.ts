/**
 * The rate-limit seam: exact token buckets per key, in memory. An object forgets after 10 s of idleness at the
 * earliest, and every bucket is full again within that (the tenant document is refused otherwise), so nothing is won by
 * being forgotten.
 */
import type { LimitName, Rate, TenantSettings } from "../tenant-settings.ts";

/** Keys remembered at once for one limit; beyond that, who came longest ago is forgotten. */
const MAX_KEYS = 10_000;

/** What has been used up, as the fields of a 429 say it (draft-ietf-httpapi-ratelimit-headers). */
export interface Exceeded {
  name: BoundName;
  rate: Rate;
  /** Until there is a token again. */
  waitMs: number;
}

/** Rows of the audit about what an agent kept from OpenClaw: no tenant's business how many. */
const DENIALS: Rate = { burst: 20, perSecond: 2 };

export type BoundName = LimitName | "denials";

interface Bucket {
  tokens: number;
  atMs: number;
}

export class Limits {
  #now: () => number;
  #settings: () => TenantSettings["limits"];
  #buckets = new Map<BoundName, Map<string, Bucket>>();

  constructor(now: () => number, settings: () => TenantSettings["limits"]) {
    this.#now = now;
    this.#settings = settings;
  }

  /** @returns undefined when one token was taken */
  spend(name: BoundName, key: string): Exceeded | undefined {
    const rate = name === "denials" ? DENIALS : this.#settings()[name];
    const buckets = this.#bucketsOf(name);
    const now = this.#now();
    const bucket = buckets.get(key) ?? { tokens: rate.burst, atMs: now };
    const tokens = Math.min(rate.burst, bucket.tokens + ((now - bucket.atMs) / 1000) * rate.perSecond);
    const taken = tokens >= 1;
    buckets.delete(key);
    buckets.set(key, { tokens: taken ? tokens - 1 : tokens, atMs: now });
    if (buckets.size > MAX_KEYS) {
      const oldest = buckets.keys().next().value;
      if (oldest !== undefined) buckets.delete(oldest);
    }
    return taken ? undefined : { name, rate, waitMs: Math.ceil(((1 - tokens) / rate.perSecond) * 1000) };
  }

  #bucketsOf(name: BoundName): Map<string, Bucket> {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const buckets = new Map<string, Bucket>();
    this.#buckets.set(name, buckets);
    return buckets;
  }
}
