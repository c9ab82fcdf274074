/** How long to wait before dialling again. Pure. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** While a cut link can still be resumed: chats wait for this, and the gateway holds requests only for so long. */
const LONGEST_RESUME_MS = 2_000;

/**
 * Delay before reconnect attempt `failures`, with full jitter: many agents that lost one gateway come back spread out.
 * @param failures failed attempts since the last stable connection, from 0
 * @param resumable whether a link waits for the next connection
 * @param random a number in [0, 1); pass `Math.random` outside tests
 * @returns milliseconds to wait: below 1,000 at first, doubling up to below 30,000, or below 2,000 when resumable
 */
export function reconnectDelayMs(failures: number, resumable: boolean, random: () => number): number {
  const longestMs = resumable ? LONGEST_RESUME_MS : LONGEST_RETRY_MS;
  const ceilingMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), longestMs);
  return Math.floor(random() * ceilingMs);
}
