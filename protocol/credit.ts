/** Credit arithmetic of one direction of one stream (SPEC.md section 6). */
import { ProtocolError } from "./errors.ts";
import { INITIAL_CREDIT_BYTES, MAX_CREDIT_BYTES } from "./limits.ts";

/** What the sender may still send. One message may overdraw once: then the balance is negative until credit comes. */
export class SendCredit {
  #bytes: number;

  constructor(bytes = INITIAL_CREDIT_BYTES) {
    this.#bytes = bytes;
  }

  get available(): number {
    return this.#bytes;
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** @throws {ProtocolError} credit_exceeded when the peer grants more than a stream may hold */
  grant(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_CREDIT_BYTES) throw new ProtocolError("credit_exceeded", { bytes });
  }
}

/** What the receiver has granted. It grants again what was delivered, in steps of half the window. */
export class ReceiveCredit {
  #granted: number;
  #delivered: number;
  readonly #windowBytes: number;

  /** `granted` restores a stream after its memory was lost; what had been received by then counts as delivered. */
  constructor(windowBytes = INITIAL_CREDIT_BYTES, granted = windowBytes) {
    this.#granted = granted;
    this.#delivered = windowBytes - granted;
    this.#windowBytes = windowBytes;
  }

  /** What the peer may still send, as it knows it. */
  get granted(): number {
    return this.#granted;
  }

  /** Counts bytes that came in. @throws {ProtocolError} credit_exceeded when the sender had none left before this */
  receive(bytes: number): void {
    if (bytes > 0 && this.#granted <= 0) throw new ProtocolError("credit_exceeded", { bytes });
    this.#granted -= bytes;
  }

  /** Counts bytes handed on. @returns the increment to grant now, 0 when none is due */
  deliver(bytes: number): number {
    this.#delivered += bytes;
    if (this.#delivered < this.#windowBytes / 2) return 0;
    const increment = Math.min(this.#delivered, MAX_CREDIT_BYTES);
    this.#delivered -= increment;
    this.#granted += increment;
    return increment;
  }
}
