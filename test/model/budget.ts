import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Inputs of each fuzzer when `FUZZ_INPUTS` says so; the long run is `FUZZ_INPUTS=10000000 npm run test:model`. */
const ASKED = process.env["FUZZ_INPUTS"];
/** In every run: a million and a half together, most of them where one takes a microsecond and not a connection. */
export const INPUTS = {
  decoder: Number(ASKED ?? 1_000_000),
  agent: Number(ASKED ?? 300_000),
  object: Number(ASKED ?? 200_000),
};
const ASKED_SEED = process.env["FUZZ_SEED"];
/**
 * The same in every `npm test`, so that a red run is the change's fault; `FUZZ_SEED=random` looks further. Every run
 * names the one it took.
 */
export const SEED = ASKED_SEED === "random" ? Date.now() & 0x7fffffff : Number(ASKED_SEED ?? 20_261_123);
/** What a fuzzer may hold at the end beyond what it held at the start. */
export const GROWTH_BYTES = 96 * 1024 * 1024;
/** Ten million take a while. */
export const TIMEOUT_MS = 3_600_000;

/** @returns heap in use once what nobody holds is gone */
export function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
