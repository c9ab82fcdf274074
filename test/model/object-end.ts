/** The real tenant object in Node, over the fake platform: the test decides when it hears what, and when it forgets. */
import { generateKeyPairSync, sign } from "node:crypto";
import { AGENT_HEADER, type AgentCall, RELAY_HEADER, type RelayCall } from "../../durable-objects/rpc.ts";
import { TenantObject } from "../../durable-objects/tenant-object.ts";
import {
  type Challenge,
  encodeHello,
  encodeSigned,
  helloTranscript,
  type Hello,
  type SignedMessage,
} from "#protocol/messages.ts";
import { PlatformContext, PlatformSocket } from "./platform.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const PUBLIC_KEY = publicKey.export({ format: "jwk" }).x ?? "";

export class ObjectEnd {
  readonly context = new PlatformContext();
  object: TenantObject;

  constructor() {
    this.object = this.#make();
  }

  /** Loses the object's memory; what was pending in it never answers. */
  evict(): void {
    this.object = this.#make();
  }

  /** An agent's upgrade. @returns the object's end of its socket; the challenge has gone to `socket.peer` already */
  async dial(agent: string, peer: PlatformSocket["peer"]): Promise<PlatformSocket> {
    const call: AgentCall = { tenant: "default", agent, publicKey: PUBLIC_KEY, host: "gw.example" };
    const known = new Set(this.context.sockets);
    const early: Uint8Array<ArrayBuffer>[] = [];
    const accept = this.context.acceptWebSocket.bind(this.context);
    this.context.acceptWebSocket = (socket, tags) => {
      socket.peer = { message: (data) => early.push(data as Uint8Array<ArrayBuffer>), closed: () => {} };
      accept(socket, tags);
    };
    await this.object.fetch(requestOf({ [AGENT_HEADER]: JSON.stringify(call) }));
    this.context.acceptWebSocket = accept;
    const socket = this.context.sockets.find((other) => !known.has(other));
    if (socket === undefined) throw new Error("the object took no socket");
    socket.peer = peer;
    for (const message of early) peer.message(message);
    return socket;
  }

  async signIn(person: string): Promise<string> {
    const started = await this.object.startSession("default", {
      issuer: "stub",
      subject: person,
      email: `${person}@example.com`,
      name: null,
      groups: [],
      role: "user",
      providerSessionId: null,
      userAgent: "model",
      clientAddress: "192.0.2.1",
      replaces: null,
    });
    if (!started.ok) throw new Error(started.code);
    return started.value.session;
  }

  /** A browser's request or upgrade, as the Worker passes it on. */
  fetch(session: string, upgrade: boolean, signal: AbortSignal, body: ReadableStream | null = null): Promise<Response> {
    const call: RelayCall = {
      tenant: "default",
      session,
      requestId: "r1",
      method: body === null ? "GET" : "POST",
      target: body === null ? "/chat/main" : "/api/chat/media",
      routeClass: upgrade ? "gateway" : "ui",
      clientAddress: "192.0.2.1",
      scheme: "http",
      host: "gw.example",
    };
    const headers = { [RELAY_HEADER]: JSON.stringify(call), ...(upgrade ? { upgrade: "websocket" } : {}) };
    return this.object.fetch(requestOf(headers, signal, body));
  }

  #make(): TenantObject {
    const env = { STORAGE_KEY: "model-storage-key-0123456789abcdef" };
    return new TenantObject(this.context as unknown as DurableObjectState, env as never);
  }
}

/** @returns HELLO, signed as the enrolled agent would */
export function proof(challenge: SignedMessage<Challenge>, hello: Omit<Hello, "connection" | "nonce" | "version">) {
  const { connection, nonce } = challenge.value;
  const json = encodeHello({ ...hello, version: "0.1.0", connection, nonce });
  return encodeSigned("hello", json, sign(null, helloTranscript(challenge.json, json), privateKey));
}

function requestOf(
  headers: Record<string, string>,
  signal = new AbortController().signal,
  body: unknown = null,
): Request {
  return { headers: new Headers(headers), signal, body } as unknown as Request;
}
