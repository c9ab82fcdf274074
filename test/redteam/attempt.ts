/** One attempt of the red team: what is tried, what must come of it, and what came. */
import type { World } from "./world.ts";

export interface Attempt {
  /** `group/name`, unique. */
  id: string;
  /** The threat of docs/threat-model.md, `T1` to `T26`. */
  threat: string;
  tried: string;
  /** In words. */
  expected: string;
  /** What `got` must be; left out: the words of `expected` themselves. */
  fits?: RegExp;
  /** @returns what came of it, in a few words; whatever it throws did not hold */
  run(world: World): Promise<string>;
}

export interface Outcome {
  got: string;
  held: boolean;
}

/** The longest that one may take: whatever hangs does not hold. */
const LIMIT_MS = 30_000;

export async function tryOut({ run, expected, fits }: Attempt, world: World): Promise<Outcome> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`nothing after ${LIMIT_MS / 1000} s`), LIMIT_MS);
  const got = await Promise.race([run(world).catch((error: Error) => `failed: ${error.message}`), late]);
  clearTimeout(timer);
  return { got, held: fits === undefined ? got === expected : fits.test(got) };
}
