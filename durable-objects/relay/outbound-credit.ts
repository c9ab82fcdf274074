/** Credit of the leg towards a browser: bytes count as delivered when the socket's buffer has let them go. */
import { ReceiveCredit } from "#protocol/credit.ts";
import type { ByteBudget } from "./byte-budget.ts";

export class OutboundCredit {
  #socket: WebSocket;
  #credit: ReceiveCredit;
  #budget: ByteBudget;
  #sent = 0;
  #counted = 0;

  constructor(socket: WebSocket, windowBytes: number, granted: number, budget: ByteBudget) {
    this.#socket = socket;
    this.#budget = budget;
    this.#credit = new ReceiveCredit(windowBytes, granted);
  }

  get granted(): number {
    return this.#credit.granted;
  }

  /** Sent bytes that still wait in the socket. */
  get pendingBytes(): number {
    return this.#sent - this.#counted;
  }

  receive(bytes: number): void {
    this.#credit.receive(bytes);
    this.#sent += bytes;
    this.#budget.moveOutbound(bytes);
  }

  /** The socket is gone, and what waited in it. */
  drop(): void {
    this.#budget.moveOutbound(-this.pendingBytes);
    this.#counted = this.#sent;
  }

  /** @returns the increment to grant now */
  settle(): number {
    const delivered = this.#sent - Math.min(this.#sent, this.#socket.bufferedAmount ?? 0);
    if (delivered <= this.#counted) return 0;
    const increment = this.#credit.deliver(delivered - this.#counted);
    this.#budget.moveOutbound(this.#counted - delivered);
    this.#counted = delivered;
    return increment;
  }
}
