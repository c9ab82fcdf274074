/** How a 429 says which limit it was (draft-ietf-httpapi-ratelimit-headers-10, RFC 9110 section 10.2.3). Pure. */
import type { Exceeded } from "./limits.ts";

/** @returns `RateLimit-Policy`, `RateLimit` and `Retry-After`; times are whole seconds, rounded up */
export function rateLimitFields({ name, rate, waitMs }: Exceeded): Record<string, string> {
  const label = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const window = Math.ceil(rate.burst / rate.perSecond);
  const seconds = Math.ceil(waitMs / 1000);
  return {
    "ratelimit-policy": `"${label}";q=${rate.burst};w=${window}`,
    ratelimit: `"${label}";r=0;t=${seconds}`,
    "retry-after": String(seconds),
  };
}
