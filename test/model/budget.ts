/** How much a fuzzer does and may use. `FUZZ_INPUTS=10000000 npm run test:model` is the long run. */
export const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 1_000_000);
/** Printed by every run; give it back to repeat one. */
export const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
/** What a fuzzer may hold at the end beyond what it held at the start. */
export const GROWTH_BYTES = 96 * 1024 * 1024;
/** Ten million take a while. */
export const TIMEOUT_MS = 3_600_000;
