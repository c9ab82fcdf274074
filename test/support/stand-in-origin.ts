/**
 * The few things that the agent asks of OpenClaw about people, so that the real agent runs against an origin that is
 * none: profiles are made by the user header and listed to the local backend. Everything else goes to the handlers.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";

const MAX_MESSAGE_BYTES = 26 * 1024 * 1024;

export interface OriginHandlers {
  /** Lower-case, as in the agent's settings. */
  userHeader: string;
  request(request: IncomingMessage, response: ServerResponse): void;
  socket(socket: WebSocket, request: IncomingMessage): void;
  /** Answers an upgrade itself, in whatever way, or passes (false). */
  upgrade?(request: IncomingMessage, socket: Duplex): boolean;
}

export interface StandInOrigin {
  port: number;
  stop(): void;
}

export async function startStandInOrigin(handlers: OriginHandlers): Promise<StandInOrigin> {
  const profiles = new Map<string, { id: string; emails: string[]; displayName: string }>();
  const server = createServer((request, response) => {
    const user = request.headers[handlers.userHeader];
    if (request.url === "/control-ui-config.json" && typeof user === "string") {
      if (!profiles.has(user)) profiles.set(user, { id: randomUUID(), emails: [user], displayName: user });
      response.end("{}");
    } else handlers.request(request, response);
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  server.on("upgrade", (request, socket, head) => {
    if (handlers.upgrade?.(request, socket) === true) return;
    sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit("connection", accepted, request));
  });
  sockets.on("connection", (socket, request) => {
    if (request.headers[handlers.userHeader] === undefined) serveBackend(socket, profiles);
    else handlers.socket(socket, request);
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      sockets.close();
    },
  };
}

type Profiles = Map<string, { id: string; emails: string[]; displayName: string }>;

/** OpenClaw's own protocol as far as `@openclaw/gateway-client` needs it to list profiles and name them. */
function serveBackend(socket: WebSocket, profiles: Profiles): void {
  const event = { type: "event", event: "connect.challenge", payload: { nonce: randomUUID(), ts: Date.now() } };
  socket.send(JSON.stringify(event));
  socket.on("message", (data) => {
    const { id, method, params } = JSON.parse(String(data)) as { id: string; method: string; params: unknown };
    socket.send(JSON.stringify({ type: "res", id, ok: true, payload: answerBackend(profiles, method, params) }));
  });
}

function answerBackend(profiles: Profiles, method: string, params: unknown): unknown {
  switch (method) {
    case "connect":
      return { type: "hello-ok", protocol: 4, policy: { tickIntervalMs: 30_000 } };
    case "users.list":
      return { profiles: [...profiles.values()] };
    case "users.setDisplayName": {
      const { profileId, displayName } = params as { profileId: string; displayName: string };
      for (const profile of profiles.values()) if (profile.id === profileId) profile.displayName = displayName;
      return {};
    }
    default:
      return {};
  }
}
