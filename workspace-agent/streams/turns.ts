/** Streams take turns, one frame each, so that a download does not starve a chat (SPEC.md section 5). */
import { MAX_CHUNK_BYTES } from "#protocol/limits.ts";
import type { Stream } from "./stream.ts";

/** Chunk while several streams are ready: the next one waits for 16 KiB, not for 64. */
export const SHARED_CHUNK_BYTES = 16 * 1024;

export class Turns {
  readonly #waiting = new Set<Stream>();
  readonly #hasRoom: () => boolean;

  /** @param hasRoom whether the connection takes more body bytes now */
  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  add(stream: Stream): void {
    if (stream.ready) this.#waiting.add(stream);
  }

  remove(stream: Stream): void {
    this.#waiting.delete(stream);
  }

  /** Lets streams send in turn until none is ready or the connection is full. */
  run(): void {
    while (this.#hasRoom()) {
      const [stream] = this.#waiting;
      if (stream === undefined) return;
      const limitBytes = this.#waiting.size > 1 ? SHARED_CHUNK_BYTES : MAX_CHUNK_BYTES;
      // Taken out and put back at the end: a Set keeps insertion order, which makes it the queue.
      this.#waiting.delete(stream);
      if (!stream.ready) continue;
      stream.sendSome(limitBytes);
      this.add(stream);
    }
  }
}
