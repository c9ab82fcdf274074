/** A gateway of its own making: speaks the handshake with real keys, so that tests can get one step wrong. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { encodeJson } from "#protocol/bytes.ts";
import { type Challenge, challengeTranscript, encodeSigned, encodeWelcome } from "#protocol/messages.ts";
import { agentKeyFromPem, GatewayKey } from "../../../workspace-agent/agent-key.ts";
import type { AgentIdentity } from "../../../workspace-agent/connection/handshake.ts";
import type { Certificate } from "./certificate.ts";

export const gateway = generateKeyPairSync("ed25519");
export const agent = generateKeyPairSync("ed25519");
export const stranger = generateKeyPairSync("ed25519");

export class Edge {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly upgrades: IncomingMessage[] = [];

  readonly #scheme: "http" | "https";

  /** @param certificate makes it speak TLS */
  constructor(connected: (socket: WebSocket) => void, certificate?: Certificate) {
    this.#scheme = certificate === undefined ? "http" : "https";
    this.#server = certificate === undefined ? createServer() : createTlsServer(certificate);
    this.#sockets = new WebSocketServer({ server: this.#server });
    this.#sockets.on("connection", (socket, request) => {
      this.upgrades.push(request);
      connected(socket);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get host(): string {
    return `${this.#scheme === "https" ? "localhost" : "127.0.0.1"}:${(this.#server.address() as AddressInfo).port}`;
  }

  identity(): AgentIdentity {
    return {
      agentId: "agent-0001",
      tenant: "acme",
      url: new URL(`${this.#scheme}://${this.host}`),
      gatewayKey: new GatewayKey(gateway.publicKey.export({ format: "jwk" }).x ?? ""),
      key: agentKeyFromPem(agent.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
      pass: null,
    };
  }

  challenge(fields: Partial<Challenge> = {}, key = gateway.privateKey): { message: Uint8Array; json: Uint8Array } {
    const json = encodeJson({
      connection: randomBytes(16).toString("base64url"),
      nonce: randomBytes(32).toString("base64url"),
      tenant: "acme",
      host: this.host,
      agent: "agent-0001",
      time: Math.floor(Date.now() / 1000),
      ...fields,
    });
    return { message: encodeSigned("challenge", json, sign(null, challengeTranscript(json), key)), json };
  }

  stop(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
  }
}

export const welcome = encodeWelcome({ link: "link-00000001" });
