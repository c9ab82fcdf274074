/** Resident memory of other processes, sampled while something runs. Zero where there is no /proc. */
import { readFileSync } from "node:fs";

const SAMPLE_MS = 50;

/** @returns bytes of memory that the process has in RAM now */
export function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Watches processes by name; a name's process may change under way. */
export class MemoryWatch<Name extends string> {
  readonly #pids: Record<Name, () => number>;
  readonly #peaks = new Map<Name, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: Record<Name, () => number>) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  /** Ends the watch. @returns the peak of each, in bytes */
  stop(): Record<Name, number> {
    this.#sample();
    clearInterval(this.#timer);
    return Object.fromEntries(this.#peaks) as Record<Name, number>;
  }

  #sample(): void {
    for (const name of Object.keys(this.#pids) as Name[]) {
      this.#peaks.set(name, Math.max(this.#peaks.get(name) ?? 0, residentBytes(this.#pids[name]())));
    }
  }
}
