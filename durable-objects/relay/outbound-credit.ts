/** Credit of the leg towards a browser: bytes count as delivered when the socket's buffer has let them go. */
import { ReceiveCredit } from "#protocol/credit.ts";
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";

export class OutboundCredit {
  #socket: WebSocket;
  #credit: ReceiveCredit;
  #sent = 0;
  #counted = 0;

  constructor(socket: WebSocket, granted: number) {
    this.#socket = socket;
    this.#credit = new ReceiveCredit(INITIAL_CREDIT_BYTES, granted);
  }

  get granted(): number {
    return this.#credit.granted;
  }

  /** True while sent bytes still wait in the socket. */
  get pending(): boolean {
    return this.#counted < this.#sent;
  }

  receive(bytes: number): void {
    this.#credit.receive(bytes);
    this.#sent += bytes;
  }

  /** @returns the increment to grant now */
  settle(): number {
    const delivered = this.#sent - Math.min(this.#sent, this.#socket.bufferedAmount ?? 0);
    if (delivered <= this.#counted) return 0;
    const increment = this.#credit.deliver(delivered - this.#counted);
    this.#counted = delivered;
    return increment;
  }
}
