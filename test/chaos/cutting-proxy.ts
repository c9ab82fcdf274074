/** A TCP proxy between agent and edge, whose weather is bad on command: it cuts, stalls, throttles, delays and refuses. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { ShapedPipe, type Weather } from "./shaped-pipe.ts";

/** `agent-first` and `edge-first`: one end learns of the cut at once and the other later, as when an address changes. */
export type CutKind = "rst" | "fin" | "agent-first" | "edge-first";
/** More than the handshake and WELCOME bring. */
const ESTABLISHED_BYTES = 1024;
const FIN_WAIT_MS = 500;

interface Pair {
  agent: Socket;
  edge: Socket;
  toAgent: ShapedPipe;
  pipes: ShapedPipe[];
}

export class CuttingProxy {
  readonly weather: Weather = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalledUntil: 0 };
  /** New connections are reset until then. */
  refusingUntil = 0;
  bytes = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #latest: Pair | undefined;

  /** @param port where the agent dials; @param target where workerd listens */
  static async start(port: number, target: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(port, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (agent) => this.#accept(agent));
  }

  /** Whether a connection is up that has got past its handshake. */
  get isEstablished(): boolean {
    return this.#latest !== undefined && this.#latest.toAgent.bytes > ESTABLISHED_BYTES;
  }

  /** Cuts the agent's connection. @returns false when there is none */
  cut(kind: CutKind, laterMs: number): boolean {
    const pair = this.#latest;
    if (pair === undefined) return false;
    this.#latest = undefined;
    for (const pipe of pair.pipes) pipe.drop();
    const [first, second] = kind === "edge-first" ? [pair.edge, pair.agent] : [pair.agent, pair.edge];
    if (kind === "fin") {
      for (const socket of [first, second]) {
        socket.end();
        setTimeout(() => socket.destroy(), FIN_WAIT_MS);
      }
      return true;
    }
    first.resetAndDestroy();
    if (kind === "rst") second.resetAndDestroy();
    else setTimeout(() => second.resetAndDestroy(), laterMs);
    return true;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(agent: Socket): void {
    this.#track(agent);
    if (Date.now() < this.refusingUntil) {
      agent.resetAndDestroy();
      return;
    }
    const edge = connect({ host: "127.0.0.1", port: this.#target, noDelay: true });
    this.#track(edge);
    const count = (bytes: number) => (this.bytes += bytes);
    const toAgent = new ShapedPipe(edge, agent, this.weather, count);
    const pair: Pair = { agent, edge, toAgent, pipes: [toAgent, new ShapedPipe(agent, edge, this.weather, count)] };
    this.#latest = pair;
    for (const socket of [agent, edge]) {
      socket.on("close", () => {
        if (this.#latest !== pair) return;
        // One end is gone by its own will: the other must hear of it.
        this.#latest = undefined;
        for (const other of [agent, edge]) other.destroySoon();
      });
    }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
