/** Refusals of one socket, told to the gateway without flooding it: the 1st of a kind, the 2nd, the 4th, the 8th … */
import type { DeniedReason } from "#protocol/frame.ts";

/** Methods told by name on one socket; whoever tries more has shown what they are after. */
const MAX_KINDS = 32;

export interface Denial {
  reason: DeniedReason;
  method: string;
  /** How often so far on this socket. */
  count: number;
}

export class Denials {
  readonly #counts = new Map<string, number>();

  /** @returns what to tell, or null when it was told lately */
  count(reason: DeniedReason, method: string): Denial | null {
    const named = this.#counts.size < MAX_KINDS || this.#counts.has(`${reason} ${method}`) ? method : "";
    const kind = `${reason} ${named}`;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return Number.isInteger(Math.log2(count)) ? { reason, method: named, count } : null;
  }
}
