/** A real tunnel of the agent and a played gateway, joined in memory: connections come, lose messages and go at will. */
import { decodeMessage } from "#protocol/messages.ts";
import type { IdentityFrame, LinkOptions } from "../../../workspace-agent/connection/agent-link.ts";
import type { LinkConnection } from "../../../workspace-agent/connection/link-output.ts";
import { Traffic } from "../../../workspace-agent/connection/traffic.ts";
import { Tunnel } from "../../../workspace-agent/connection/tunnel.ts";
import type { AgentEvent } from "../../../workspace-agent/log.ts";
import { Gateway, type GatewayWire } from "./gateway.ts";
import { ManualClock } from "./manual-clock.ts";

export class MemoryConnection implements LinkConnection {
  bufferedAmount = 0;
  closes: [code: number, reason: string][] = [];
  /** From now on nothing arrives any more, in either direction. */
  isDead = false;
  readonly wire: GatewayWire;
  readonly #toGateway: (message: Uint8Array) => void;

  constructor(toAgent: (message: Uint8Array) => void, toGateway: (message: Uint8Array) => void) {
    this.#toGateway = toGateway;
    this.wire = {
      send: (message) => {
        if (!this.isDead) toAgent(message.slice());
      },
    };
  }

  send(message: Uint8Array, written: () => void): void {
    if (!this.isDead) this.#toGateway(message.slice());
    setImmediate(written);
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

export class MemoryTunnel {
  readonly clock = new ManualClock();
  readonly gateway = new Gateway();
  readonly tunnel: Tunnel;
  readonly traffic = new Traffic();
  readonly identity: { frames: IdentityFrame[]; released: number } = { frames: [], released: 0 };
  readonly events: AgentEvent[] = [];
  connection: MemoryConnection;

  constructor(openStream: LinkOptions["openStream"]) {
    this.tunnel = new Tunnel({
      openStream,
      clock: this.clock,
      traffic: this.traffic,
      identity: {
        receive: (frame) => void this.identity.frames.push(frame),
        release: () => void (this.identity.released += 1),
      },
      log: (event) => void this.events.push(event),
    });
    this.connection = this.connect();
  }

  /** Dials: the gateway answers what HELLO asks for, or with a link of its own. */
  connect(
    greet: (wire: GatewayWire) => void = (wire) => this.gateway.greet(wire, this.tunnel.hello),
  ): MemoryConnection {
    const connection: MemoryConnection = new MemoryConnection(
      (message) => this.#arrive(connection, message),
      (message) => this.gateway.receive(connection.wire, message),
    );
    this.connection = connection;
    greet(connection.wire);
    return connection;
  }

  /** Messages get lost from now on; {@link cut} tells both ends. */
  die(): void {
    this.connection.isDead = true;
  }

  cut(code = 1006): void {
    this.die();
    this.gateway.cut();
    this.tunnel.link?.closed(this.connection, code);
  }

  #arrive(connection: MemoryConnection, message: Uint8Array): void {
    const decoded = decodeMessage(message);
    if (decoded.type === "welcome") this.tunnel.greet({ type: "welcome", link: decoded.value.link }, connection);
    else if (decoded.type === "resumed") this.tunnel.greet({ type: "resumed", resumed: decoded.value }, connection);
    else this.tunnel.link?.receive(connection, message);
  }
}
