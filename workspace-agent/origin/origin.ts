/** OpenClaw as the streams see it: where it is, how connections to it are made, and whether identity is ready for one. */
import type { Agent } from "node:http";
import type WebSocket from "ws";
import type { OpenHead } from "#protocol/frame.ts";
import type { OriginAddress } from "../config.ts";
import type { Log } from "../log.ts";
import { OriginHealth } from "./origin-failure.ts";
import { FreshConnections, OriginPool } from "./origin-pool.ts";
import { openOriginSocket } from "./origin-socket.ts";

/** OpenClaw drops idle connections after 5 s: ours are gone before, so that none is reused while it closes. */
const IDLE_CONNECTION_MS = 4_000;
const MAX_IDLE_CONNECTIONS = 64;

export interface Origin {
  readonly address: OriginAddress;
  /** `host:port`, as a URL wants it. */
  readonly authority: string;
  /** Connections that are kept. One that OpenClaw is about to close may be among them: for what can be sent again. */
  readonly agent: Agent;
  /** Connections for one request each: for what must not be sent twice. */
  readonly fresh: Agent;
  readonly health: OriginHealth;
  /** Begins the upgrade that an OPEN of kind ws asks for. */
  openSocket(head: OpenHead, protocols: string[]): WebSocket;
}

/** @returns an origin with a connection pool of its own; `agent.destroy()` ends it */
export function createOrigin(address: OriginAddress, log: Log): Origin {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const authority = `${host}:${address.port}`;
  return {
    address,
    authority,
    agent: new OriginPool({ keepAlive: true, timeout: IDLE_CONNECTION_MS, maxFreeSockets: MAX_IDLE_CONNECTIONS }),
    fresh: new FreshConnections({ keepAlive: true }),
    health: new OriginHealth((reachable) => log(reachable ? "origin.reachable" : "origin.unreachable")),
    openSocket: (head, protocols) => openOriginSocket(address, authority, head, protocols),
  };
}

/** Whether the identity that an exchange needs has been written; resolves at once for one that needs none. */
export type IdentityGate = (head: OpenHead) => Promise<"ok" | "identity_unwritten" | "origin_unreachable"> | null;
