/** One fresh object of a tenant, and people who use it through the Worker's calls. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import {
  RELAY_HEADER,
  SETTINGS_HEADER,
  type RelayCall,
  type SignIn,
  type TenantCall,
} from "../../durable-objects/rpc.ts";
import { DEFAULT_SETTINGS, type TenantSettings } from "../../durable-objects/tenant-settings.ts";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import type { FakeAgent } from "./agent.ts";

const namespace = (env as unknown as { TENANT: DurableObjectNamespace<TenantObject> }).TENANT;
let objects = 0;

const MUCH = { burst: 1e9, perSecond: 1e9 };
/** Limits are the subject of limits.test.ts only. */
const UNLIMITED: TenantSettings = {
  ...DEFAULT_SETTINGS,
  limits: {
    requests: MUCH,
    upgrades: MUCH,
    messages: MUCH,
    signInsOfAddress: MUCH,
    signInsOfPerson: MUCH,
    socketsPerPerson: 1e6,
    bodyBytes: 1e12,
  },
};
export const CALLER: TenantCall = { tenant: "default", settings: JSON.stringify(UNLIMITED) };

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (data: Uint8Array) => new TextDecoder().decode(data);

export interface Browser {
  socket: WebSocket;
  stream: number;
  /** The next message, in order. */
  next: () => Promise<string | ArrayBuffer>;
  closed: Promise<{ code: number; reason: string }>;
}

export function signInOf(person: string, more: Partial<SignIn> = {}): SignIn {
  return {
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
    userAgent: "test",
    clientAddress: "192.0.2.1",
    replaces: null,
    renews: null,
    ...more,
  };
}

export class Tenant {
  stub: DurableObjectStub<TenantObject>;
  readonly #name: string;

  constructor(purpose: string) {
    this.#name = `${purpose}/${objects++}`;
    this.stub = namespace.getByName(this.#name);
  }

  /** A deploy, or a fault: memory and sockets are gone at once. What waits for an acknowledgement prevents an eviction. */
  async crash(): Promise<void> {
    await runInDurableObject(this.stub, (_object, state) => state.abort("crash")).catch(() => undefined);
    this.stub = namespace.getByName(this.#name);
  }

  /** Signs in. @returns the session's id */
  async session(person: string, more: Partial<SignIn> = {}): Promise<string> {
    const started = await this.stub.startSession({ ...CALLER, settings: this.settings }, signInOf(person, more));
    if (!started.ok) throw new Error(started.code);
    return started.value.session;
  }

  /** Reads or changes what is stored: how a test lets time pass. The object may remember until it is evicted. */
  sql<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: (string | number)[]): Promise<T[]> {
    return runInDurableObject(this.stub, (_object, { storage }) => storage.sql.exec<T>(query, ...bindings).toArray());
  }

  /** What the tenant document says from the next call on; kept by the object. */
  settings = CALLER.settings;

  get(session: string, init: RequestInit = {}): Promise<Response> {
    return this.#relay(session, { method: init.method ?? "GET", routeClass: "ui" }, init);
  }

  upgrade(session: string, signal?: AbortSignal): Promise<Response> {
    const headers = { upgrade: "websocket" };
    return this.#relay(session, { routeClass: "gateway" }, signal ? { headers, signal } : { headers });
  }

  /** Opens a WebSocket that OpenClaw accepts with its first message `hello`. */
  async open(agent: FakeAgent, session: string): Promise<Browser> {
    const pending = this.upgrade(session);
    const { stream } = await agent.next("open");
    agent.send({ type: "accepted", stream, protocol: "" }, { type: "text", stream, bytes: bytes("hello") });
    const browser = browserOf(await pending, stream);
    if ((await browser.next()) !== "hello") throw new Error("another first message");
    return browser;
  }

  #relay(session: string, more: Partial<RelayCall>, init: RequestInit): Promise<Response> {
    const call: RelayCall = {
      tenant: "default",
      session,
      requestId: "r1",
      method: "GET",
      target: "/chat/main",
      routeClass: "ui",
      clientAddress: "192.0.2.1",
      scheme: "http",
      host: "gw.example",
      ...more,
    };
    const headers = new Headers(init.headers);
    headers.set(RELAY_HEADER, JSON.stringify(call));
    headers.set(SETTINGS_HEADER, this.settings);
    return this.stub.fetch("http://gw.example/chat/main", { ...init, headers });
  }
}

/** The browser's end of an accepted upgrade. */
export function browserOf(response: Response, stream: number): Browser {
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no upgrade: ${response.status}`);
  socket.binaryType = "arraybuffer";
  const messages: (string | ArrayBuffer)[] = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    messages.push(data as string | ArrayBuffer);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  socket.accept();
  const next = async () => {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { socket, stream, next, closed };
}
