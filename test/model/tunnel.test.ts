import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { installPlatform } from "./platform.ts";
import { SEED } from "./budget.ts";
import { type Step, steps } from "./steps.ts";

/** Some faults show in six of six thousand runs. */
const RUNS = Number(process.env["MODEL_RUNS"] ?? 10_000);

let run: (script: Step[]) => Promise<string[]>;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  installPlatform();
  ({ run } = await import("./run.ts"));
});
afterAll(() => {
  vi.useRealTimers();
});

describe(`with seed ${SEED}`, () => {
  test(`nothing is lost, repeated, reordered, ended without a word, or left open (${RUNS} runs)`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        expect(await run(script)).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  }, 3_600_000);
});
