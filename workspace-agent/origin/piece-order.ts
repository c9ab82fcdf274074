/** Checks that the pieces of one browser message come in order and add up (SPEC.md section 5). Pure. */
import { ProtocolError } from "#protocol/errors.ts";
import type { MessageKind } from "#protocol/frame.ts";

export interface Piece {
  stream: number;
  kind: MessageKind;
  total: number;
  offset: number;
  bytes: Uint8Array;
}

export class PieceOrder {
  #current: { kind: MessageKind; total: number; received: number } | null = null;

  /** True between the first and the last piece of a message: nothing else may come on the stream then. */
  get isOpen(): boolean {
    return this.#current !== null;
  }

  /** @returns whether this piece completes its message @throws {ProtocolError} illegal_step when it is not the next one */
  receive(piece: Piece): boolean {
    const current = this.#current ?? { kind: piece.kind, total: piece.total, received: 0 };
    const received = current.received + piece.bytes.byteLength;
    const fits = piece.kind === current.kind && piece.total === current.total && piece.offset === current.received;
    // An empty piece would let a peer keep a message open without spending credit.
    if (!fits || received > current.total || piece.bytes.byteLength === 0) {
      throw new ProtocolError("illegal_step", { stream: piece.stream, offset: piece.offset });
    }
    const last = received === current.total;
    this.#current = last ? null : { ...current, received };
    return last;
  }
}
