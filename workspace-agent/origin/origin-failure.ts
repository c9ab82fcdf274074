/** What went wrong at the origin, as the gateway is told. */
import type { ResetCode } from "#protocol/errors.ts";

const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EADDRNOTAVAIL",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
]);

/** @returns `origin_unreachable` when no connection came about, else `origin_failed` */
export function originFailure(error: unknown): Extract<ResetCode, "origin_unreachable" | "origin_failed"> {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && UNREACHABLE.has(code) ? "origin_unreachable" : "origin_failed";
}

/** Tells changes, not every failure: a stopped OpenClaw would otherwise log once per request. */
export class OriginHealth {
  #reachable: boolean | null = null;
  readonly #changed: (reachable: boolean) => void;

  constructor(changed: (reachable: boolean) => void) {
    this.#changed = changed;
  }

  /** What was reported last; null before the first report. */
  get reachable(): boolean | null {
    return this.#reachable;
  }

  report(reachable: boolean): void {
    if (this.#reachable === reachable) return;
    // The first good answer is no news.
    if (this.#reachable !== null || !reachable) this.#changed(reachable);
    this.#reachable = reachable;
  }
}
