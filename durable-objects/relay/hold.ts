/** Requests that wait for an agent that is away for a moment: a restart or a cut is a delay, not an error. */
import { HOLD_MS, MAX_HELD, MAX_HELD_PER_SESSION } from "#protocol/limits.ts";

interface Waiting {
  session: string;
  end: () => void;
}

export class Hold {
  #waiting = new Set<Waiting>();

  /** Waits until {@link wakeAll}, at most {@link HOLD_MS}, or not at all when too many do. The caller checks anew. */
  async wait(session: string, signal: AbortSignal): Promise<void> {
    const ofSession = [...this.#waiting].filter((waiting) => waiting.session === session).length;
    if (signal.aborted || this.#waiting.size >= MAX_HELD || ofSession >= MAX_HELD_PER_SESSION) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting: Waiting = { session, end: resolve };
    this.#waiting.add(waiting);
    const timer = setTimeout(resolve, HOLD_MS);
    signal.addEventListener("abort", () => resolve());
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(waiting);
  }

  /** An agent serves again. */
  wakeAll(): void {
    for (const waiting of this.#waiting) waiting.end();
  }

  /** A session ended: what it holds is answered now. */
  endSession(session: string): void {
    for (const waiting of this.#waiting) if (waiting.session === session) waiting.end();
  }
}
