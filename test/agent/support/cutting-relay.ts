/** A way to a gateway that breaks: cuts each connection after so many bytes of both directions, in mid-message. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class CuttingRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  /** @param limitBytes what one connection may carry, both directions together */
  constructor(target: string, limitBytes: number) {
    const [host = "", port = ""] = target.split(":");
    this.#server = createServer((near) => {
      const far = connect(Number(port), host);
      let left = limitBytes;
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
