/** How long to wait before dialling again. Pure. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * Delay before reconnect attempt `failures`, with full jitter: many agents that lost one gateway come back spread out.
 * @param failures failed attempts since the last stable connection, from 0
 * @param random a number in [0, 1); pass `Math.random` outside tests
 * @returns milliseconds to wait: below 1,000 at first, doubling up to below 30,000
 */
export function reconnectDelayMs(failures: number, random: () => number): number {
  const ceilingMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), LONGEST_RETRY_MS);
  return Math.floor(random() * ceilingMs);
}
