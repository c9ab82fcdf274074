/**
 * What this object lets others make it hold, all streams together (SPEC.md section 6). An isolate has 128 MiB, which
 * several objects may share.
 */
import { INITIAL_CREDIT_BYTES, MAX_OBJECT_BYTES, SMALL_CREDIT_BYTES } from "#protocol/limits.ts";

export class ByteBudget {
  #granted = 0;
  #inbound = 0;
  #outbound = 0;

  /** @returns the window of a new stream: the usual one while there is room for it, else a small one */
  grantWindow(): number {
    if (this.#granted + INITIAL_CREDIT_BYTES > MAX_OBJECT_BYTES) return SMALL_CREDIT_BYTES;
    this.#granted += INITIAL_CREDIT_BYTES;
    return INITIAL_CREDIT_BYTES;
  }

  /** Counts the window of a stream that outlived the memory that granted it. */
  restoreWindow(bytes: number): void {
    if (bytes === INITIAL_CREDIT_BYTES) this.#granted += bytes;
  }

  releaseWindow(bytes: number): void {
    if (bytes === INITIAL_CREDIT_BYTES) this.#granted -= bytes;
  }

  /** Bytes of a browser's message, held until they are sent on. @returns false when there is no room for them */
  holdInbound(bytes: number): boolean {
    if (this.#inbound + bytes > MAX_OBJECT_BYTES) return false;
    this.#inbound += bytes;
    return true;
  }

  releaseInbound(bytes: number): void {
    this.#inbound -= bytes;
  }

  /** Counts bytes on their way to browsers, or with a negative number those that arrived. */
  moveOutbound(bytes: number): void {
    this.#outbound += bytes;
  }

  /** Whether browsers together take so little that the slowest must go. */
  get isCrowded(): boolean {
    return this.#outbound > MAX_OBJECT_BYTES;
  }
}
