/**
 * A message that comes in pieces, held until it is whole: a key of the envelope may stand behind 25 MiB of attachment, and
 * until then nothing of it may reach OpenClaw. It is read as it comes, so that its end costs no pause.
 */
import { isUtf8 } from "node:buffer";
import { type Envelope, EnvelopeFault } from "./envelope.ts";
import { EnvelopeScanner } from "./envelope-scanner.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export class HeldMessage {
  readonly #scanner = new EnvelopeScanner();
  readonly #total: number;
  readonly #release: () => void;
  /** Pieces that came before there was room: no more than their sender had credit for. */
  #early: Uint8Array[] = [];
  #buffer: Buffer | null = null;
  #received = 0;

  /** @param room called when memory for `total` bytes is reserved: from then on {@link advance} takes bytes in */
  constructor(total: number, budget: MemoryBudget, room: () => void) {
    this.#total = total;
    let constructed = false;
    this.#release = budget.reserve(total, () => {
      this.#buffer = Buffer.allocUnsafe(total);
      if (constructed) room();
    });
    constructed = true;
  }

  get isWhole(): boolean {
    return this.#received === this.#total;
  }

  /** Takes the next piece, which it copies. */
  add(piece: Uint8Array): void {
    this.#early.push(piece.slice());
  }

  /** Reads what came, if there is room. @returns the bytes taken in since the last time @throws {EnvelopeFault} */
  advance(): number {
    if (this.#buffer === null) return 0;
    const before = this.#received;
    for (const piece of this.#early.splice(0)) {
      this.#buffer.set(piece, this.#received);
      this.#received += piece.byteLength;
      this.#scanner.push(piece);
    }
    return this.#received - before;
  }

  /** @returns the whole message and what it asks for @throws {EnvelopeFault} */
  end(): { envelope: Envelope; message: Uint8Array } {
    const envelope = this.#scanner.end();
    const message = this.#buffer ?? Buffer.alloc(0);
    if (!isUtf8(message)) throw new EnvelopeFault("bad_utf8");
    return { envelope, message };
  }

  /** Gives the memory back, or the place in the queue for it. */
  release(): void {
    this.#buffer = null;
    this.#early = [];
    this.#release();
  }
}
