/**
 * A way to a gateway that breaks: cuts each connection after so many bytes of both directions, in mid-message. It lets a
 * little more pass each time: a batch that was gathered between two connections may be larger than what one carries,
 * and would begin anew for ever.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class CuttingRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  /** @param limitBytes what the first connection may carry, both directions together; an eighth more after each cut */
  constructor(target: string, limitBytes: number) {
    const [host = "", port = ""] = target.split(":");
    this.#server = createServer((near) => {
      const far = connect(Number(port), host);
      let left = limitBytes * (1 + this.cuts / 8);
      const pass = (to: Socket) => (bytes: Buffer) => {
        to.write(bytes.subarray(0, left));
        left -= bytes.byteLength;
        if (left > 0) return;
        this.cuts += 1;
        near.destroy();
        far.destroy();
      };
      near.on("data", pass(far));
      far.on("data", pass(near));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => {});
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
