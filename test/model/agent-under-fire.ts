/** The agent's real tunnel with a WebSocket to OpenClaw open, whose gateway sends whatever a fuzzer makes. */
import { encodeFrame } from "#protocol/codec.ts";
import type { OpenHead } from "#protocol/frame.ts";
import { decodeMessage, encodeBatch } from "#protocol/messages.ts";
import type { LinkConnection } from "../../workspace-agent/connection/link-output.ts";
import { Tunnel } from "../../workspace-agent/connection/tunnel.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { OriginHealth } from "../../workspace-agent/origin/origin-failure.ts";
import { WebSocketOrigin } from "../../workspace-agent/origin/websocket-origin.ts";
import { OriginSocket } from "./origin.ts";

type Make = (number: number, ack: number) => Uint8Array<ArrayBuffer>;

const HEAD: OpenHead = {
  kind: "ws",
  method: "GET",
  target: "/",
  routeClass: "gateway",
  headers: [],
  person: "p1",
  version: 1,
  user: "a@example.com",
  role: "viewer",
  scopes: ["operator.read"],
  clientAddress: "192.0.2.1",
  scheme: "https",
  host: "gw.example",
  body: false,
  credit: 262_144,
};

export class AgentUnderFire {
  /** How connections ended, and how often: `code reason`. */
  readonly endings = new Map<string, number>();
  readonly #later: (() => void)[] = [];
  readonly #origins = new Set<OriginSocket>();
  readonly #tunnel: Tunnel;
  #connection: LinkConnection | null = null;
  #sent = 0;
  #received = 0;
  #links = 0;

  constructor() {
    const soon = (callback: () => void) => void this.#later.push(callback);
    const origin = {
      health: new OriginHealth(() => {}),
      openSocket: () => {
        const socket = new OriginSocket(soon);
        this.#origins.add(socket);
        return socket;
      },
    };
    this.#tunnel = new Tunnel({
      openStream: (id, head, port) => {
        const stream = new WebSocketOrigin(id, head, origin as never, port, null);
        stream.start();
        return stream;
      },
      identity: { receive: () => {}, release: () => {} },
      clock: { now: () => 0, after: () => () => {}, soon },
      traffic: new Traffic(),
      log: () => {},
    });
  }

  /** Sockets to OpenClaw that the agent has left open. */
  get openOrigins(): number {
    for (const socket of this.#origins) if (!socket.isOpen) this.#origins.delete(socket);
    return this.#origins.size;
  }

  /** One hostile message, well numbered, on a connection that stands. */
  hit(make: Make): void {
    const connection = this.#connection ?? this.#connect();
    const message = make(this.#sent + 1, this.#received);
    this.#tunnel.link?.receive(connection, message);
    this.#run();
    if (this.#connection === connection && isBatch(message)) this.#sent += 1;
  }

  /** Throws unless a good gateway gets a good exchange. */
  mustServe(): void {
    this.#connect();
    if (this.#received === 0) throw new Error("the agent did not open a socket for a good gateway");
    if (this.openOrigins !== 1) throw new Error(`${this.openOrigins} sockets are open at the origin, not 1`);
  }

  #connect(): LinkConnection {
    this.#sent = 0;
    this.#received = 0;
    const connection: LinkConnection = {
      bufferedAmount: 0,
      send: (bytes, written) => {
        const message = decodeMessage(new Uint8Array(bytes));
        if (message.type === "batch") this.#received = message.number;
        this.#later.push(written);
      },
      close: (code, reason) => {
        const ending = `${code} ${reason}`;
        this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
        this.#connection = null;
      },
    };
    this.#connection = connection;
    this.#tunnel.greet({ type: "welcome", link: `link-${++this.#links}` }, connection);
    const batch = encodeBatch(++this.#sent, 0, [
      encodeFrame({ type: "roster", stream: 0, version: 1, people: [] }),
      encodeFrame({ type: "open", stream: 1, head: HEAD }),
      encodeFrame({ type: "open", stream: 2, head: HEAD }),
      encodeFrame({ type: "reset", stream: 2, code: 1 }),
    ]);
    this.#tunnel.link?.receive(connection, batch);
    this.#run();
    return connection;
  }

  #run(): void {
    while (this.#later.length > 0) for (const callback of this.#later.splice(0)) callback();
  }
}

function isBatch(message: Uint8Array): boolean {
  try {
    return decodeMessage(message).type === "batch";
  } catch {
    return false;
  }
}
