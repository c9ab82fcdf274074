import { setTimeout as sleep } from "node:timers/promises";
import { explainSystemError } from "./system-error.mjs";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** A child that lived this long was well: the next failure starts at the shortest delay again. */
const HEALTHY_AFTER_MS = 30_000;

/** A child process that can be replaced by a new one of the same kind. */
export interface Child {
  pid: number;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stop(): Promise<void>;
  kill(): void;
}

export interface KeptChild<T extends Child> {
  /** The one that runs now, or ran last. */
  readonly current: T;
  /** Ends it for good. */
  stop(): Promise<void>;
  /** Ends it as a crash would; it comes back. */
  kill(): void;
}

/**
 * Starts a child and starts it again, with growing pauses, whenever it ends before `stop`. It never outlives this
 * process, however that ends (only `kill -9` leaves it to the next start).
 */
export function keepRunning<T extends Child>(
  name: string,
  start: () => T,
  onEvent: (line: string) => void,
  onChange: () => void,
): KeptChild<T> {
  const stopping = new AbortController();
  let current = start();
  const killOnExit = (): void => current.kill();
  process.on("exit", killOnExit);
  onChange();
  const loop = (async () => {
    for (let delayMs = FIRST_DELAY_MS; ;) {
      const began = Date.now();
      const { code, signal } = await current.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - began > HEALTHY_AFTER_MS) delayMs = FIRST_DELAY_MS;
      onEvent(`${name} ended (${signal ?? `exit ${code}`}); starting it again in ${delayMs / 1000} s`);
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
      try {
        current = start();
        onChange();
      } catch (error) {
        // A full disk, mostly. `current` has ended, so the next round comes at once, and waits longer.
        onEvent(`${name} could not be started: ${explainSystemError(error) ?? String(error)}`);
      }
    }
  })();
  return {
    get current() {
      return current;
    },
    kill: () => current.kill(),
    stop: async () => {
      stopping.abort();
      await current.stop();
      await loop;
      process.off("exit", killOnExit);
    },
  };
}
