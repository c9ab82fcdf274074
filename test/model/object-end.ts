/** The real tenant object in Node, over the fake platform: the test decides when it hears what, and when it forgets. */
import { generateKeyPairSync, sign } from "node:crypto";
import { AGENT_HEADER, type AgentCall, RELAY_HEADER, type RelayCall, type SignIn } from "../../durable-objects/rpc.ts";
import { TenantObject } from "../../durable-objects/tenant-object.ts";
import {
  type Challenge,
  encodeHello,
  encodeSigned,
  helloTranscript,
  type Hello,
  type SignedMessage,
} from "#protocol/messages.ts";
import { type Memory, PlatformContext, PlatformSocket, running } from "./platform.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const PUBLIC_KEY = publicKey.export({ format: "jwk" }).x ?? "";

export class ObjectEnd {
  readonly context = new PlatformContext();
  #memory: Memory = { isLost: false };
  #object: TenantObject;

  constructor() {
    this.#object = this.#make();
  }

  /** Loses the object's memory, its timers with it; what was pending in it never answers. */
  evict(): void {
    this.#memory.isLost = true;
    this.#memory = { isLost: false };
    this.#object = this.#make();
  }

  message(socket: PlatformSocket, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#within((object) => object.webSocketMessage(socket as unknown as WebSocket, bytes.buffer));
  }

  async closed(socket: PlatformSocket, code: number, reason: string): Promise<void> {
    await this.#within(async (object) => object.webSocketClose(socket as unknown as WebSocket, code, reason));
  }

  alarm(): Promise<void> {
    return this.#within((object) => object.alarm());
  }

  /** An agent's upgrade. @returns the object's end of its socket; the challenge has gone to `socket.peer` already */
  async dial(agent: string, peer: PlatformSocket["peer"]): Promise<PlatformSocket> {
    const call: AgentCall = { tenant: "default", agent, publicKey: PUBLIC_KEY, configured: true, host: "gw.example" };
    const known = new Set(this.context.sockets);
    const early: Uint8Array<ArrayBuffer>[] = [];
    const accept = this.context.acceptWebSocket.bind(this.context);
    this.context.acceptWebSocket = (socket, tags) => {
      socket.peer = { message: (data) => early.push(data as Uint8Array<ArrayBuffer>), closed: () => {} };
      accept(socket, tags);
    };
    await this.#within((object) => object.fetch(requestOf({ [AGENT_HEADER]: JSON.stringify(call) })));
    this.context.acceptWebSocket = accept;
    const socket = this.context.sockets.find((other) => !known.has(other));
    if (socket === undefined) throw new Error("the object took no socket");
    socket.peer = peer;
    for (const message of early) peer.message(message);
    return socket;
  }

  async signIn(person: string): Promise<string> {
    const signIn: SignIn = {
      kind: "browser",
      issuer: "stub",
      provider: "stub",
      subject: person,
      refreshToken: null,
      email: `${person}@example.com`,
      name: null,
      groups: [],
      role: "user",
      providerSessionId: null,
      userAgent: "model",
      clientAddress: "192.0.2.1",
      replaces: null,
      renews: null,
    };
    const started = await this.#within((object) => object.startSession({ tenant: "default", settings: "" }, signIn));
    if (!started.ok) throw new Error(started.code);
    return started.value.session;
  }

  /** A browser's request or upgrade, as the Worker passes it on. @returns when it is under way, not when answered */
  async fetch(
    session: string,
    upgrade: boolean,
    signal: AbortSignal,
    body: ReadableStream | null = null,
    client: Record<string, string> = {},
  ): Promise<{ response: Promise<Response> }> {
    const call: RelayCall = {
      tenant: "default",
      session,
      requestId: "r1",
      method: body === null ? "GET" : "POST",
      target: body === null ? "/chat/main" : "/api/chat/media",
      routeClass: upgrade ? "gateway" : body === null ? "ui" : "write",
      clientAddress: "192.0.2.1",
      scheme: "http",
      host: "gw.example",
    };
    const headers = { ...client, [RELAY_HEADER]: JSON.stringify(call), ...(upgrade ? { upgrade: "websocket" } : {}) };
    const before = running.memory;
    running.memory = this.#memory;
    const response = this.#object.fetch(requestOf(headers, signal, body));
    // It may wait for long; what it does now is done when promises are.
    await settled();
    running.memory = before;
    return { response };
  }

  async #within<T>(work: (object: TenantObject) => Promise<T>): Promise<T> {
    const before = running.memory;
    running.memory = this.#memory;
    try {
      return await work(this.#object);
    } finally {
      running.memory = before;
    }
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

/** Everything that promises hold is done: cryptography answers in its own turn here. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
