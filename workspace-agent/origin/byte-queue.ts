/** Bytes in order, cut at will: what a stream holds between two turns. */
import { concatBytes } from "#protocol/bytes.ts";

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  get byteLength(): number {
    return this.#bytes;
  }

  /** Keeps `chunk` itself, no copy. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  /** @returns the next bytes, at most `limitBytes`; a view when one chunk holds them */
  take(limitBytes: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let wanted = Math.min(Math.max(limitBytes, 0), this.#bytes);
    this.#bytes -= wanted;
    while (wanted > 0) {
      const first = this.#chunks[0];
      if (first === undefined) break;
      if (first.byteLength > wanted) {
        parts.push(first.subarray(0, wanted));
        this.#chunks[0] = first.subarray(wanted);
        break;
      }
      parts.push(first);
      wanted -= first.byteLength;
      this.#chunks.shift();
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts);
  }
}
