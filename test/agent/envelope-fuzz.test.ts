import fc from "fast-check";
import { test } from "vitest";
import { anyMessage, readsAlike } from "../support/any-message.ts";

const RUNS = 100_000;
const seed = Date.now() % 2 ** 31;

test(`${RUNS} damaged requests are read as OpenClaw's own parser reads them, or refused (seed ${seed})`, () => {
  fc.assert(fc.property(anyMessage, readsAlike), { numRuns: RUNS, seed });
}, 120_000);
