/** A browser's messages on their way to OpenClaw: in order, under credit, and through the gate where there is one. */
import { ReceiveCredit } from "#protocol/credit.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { MessageKind } from "#protocol/frame.ts";
import type { GateOutput, MethodGate } from "../method-gate/method-gate.ts";
import type { StreamFrame } from "../streams/stream.ts";
import { PieceOrder } from "./piece-order.ts";

export type MessageFrame = Extract<StreamFrame, { type: "text" | "binary" | "piece" }>;

/** Sends bytes of a message to the origin; `written` is called when they left this process. */
export type SendToOrigin = (kind: MessageKind, bytes: Uint8Array, last: boolean, written: () => void) => void;

export interface InboundOptions {
  stream: number;
  send: SendToOrigin;
  /** Has the gateway told that so many bytes more may come. */
  grant: (bytes: number) => void;
  /** The gate of this socket, or null where OpenClaw speaks no gateway protocol. */
  gate: ((output: Pick<GateOutput, "forward" | "credit">) => MethodGate) | null;
}

export class InboundMessages {
  readonly #options: InboundOptions;
  readonly #credit = new ReceiveCredit();
  readonly #pieces = new PieceOrder();
  readonly #gate: MethodGate | null;

  constructor(options: InboundOptions) {
    this.#options = options;
    const forward: GateOutput["forward"] = (message, written) => options.send("text", message, true, written);
    this.#gate = options.gate?.({ forward, credit: (bytes) => this.#deliver(bytes) }) ?? null;
  }

  /** @throws {ProtocolError} illegal_step or credit_exceeded */
  receive(frame: MessageFrame): void {
    const { bytes } = frame;
    if (frame.type !== "piece" && this.#pieces.isOpen) {
      throw new ProtocolError("illegal_step", { stream: this.#options.stream });
    }
    this.#credit.receive(bytes.byteLength);
    const written = () => this.#deliver(bytes.byteLength);
    if (frame.type !== "piece") {
      if (this.#gate === null) this.#options.send(frame.type, bytes, true, written);
      else this.#gate.receive(frame.type, bytes);
      return;
    }
    const last = this.#pieces.receive(frame);
    // Without a gate each piece goes on as a fragment of one message: nothing is collected, and credit stays true.
    if (this.#gate === null) this.#options.send(frame.kind, bytes, last, written);
    else this.#gate.receivePiece(frame.kind, frame.total, bytes);
  }

  /** The socket is over. */
  close(): void {
    this.#gate?.close();
  }

  #deliver(bytes: number): void {
    const increment = this.#credit.deliver(bytes);
    if (increment > 0) this.#options.grant(increment);
  }
}
