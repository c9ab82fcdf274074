/** Frames that a played gateway got, and the wait for the next one of a type. */
import type { Frame } from "#protocol/frame.ts";

export class Inbox {
  readonly frames: Frame[] = [];
  readonly #taken = new Set<Frame>();
  #waiting: (() => void)[] = [];
  #from = 0;

  push(frames: readonly Frame[]): void {
    this.frames.push(...frames);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** @returns the next frame that passes, in order; without a stream, frames before it are skipped for good */
  async next<T extends Frame["type"]>(type: T, stream?: number): Promise<Extract<Frame, { type: T }>> {
    for (let at = this.#from; ; at++) {
      while (at >= this.frames.length) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiting.push(resolve);
        await promise;
      }
      const frame = this.frames[at];
      if (frame?.type !== type || this.#taken.has(frame)) continue;
      if (stream !== undefined && frame.stream !== stream) continue;
      if (stream === undefined) this.#from = at + 1;
      this.#taken.add(frame);
      return frame as Extract<Frame, { type: T }>;
    }
  }
}
