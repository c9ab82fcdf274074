/**
 * A fake of the Durable Object platform in Node, as far as the tenant's object uses it: sockets whose attachments
 * outlive the object, storage (a real SQLite), one alarm. What workerd really does is proven in test/workers; here
 * every event comes from the test, in any order it likes.
 */
import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** What the other end of a socket hears. */
export interface Peer {
  message(data: string | Uint8Array<ArrayBuffer>): void;
  closed(code: number, reason: string): void;
}

/** The object's end of a WebSocket. */
export class PlatformSocket {
  readyState = 1;
  /** Bytes that the peer has not taken; the test sets it. */
  bufferedAmount = 0;
  tags: readonly string[] = [];
  peer: Peer = { message: () => {}, closed: () => {} };
  /** Of a pair's first socket, which the browser gets: the object's end, and what came before anybody listened. */
  other: PlatformSocket | null = null;
  early: (string | Uint8Array<ArrayBuffer>)[] = [];
  earlyClose: { code: number; reason: string } | null = null;
  #attachment: unknown = null;

  send(data: string | ArrayBuffer | Uint8Array): void {
    if (this.readyState !== 1) throw new TypeError("Can't call WebSocket send() after close().");
    // The platform takes a copy; what is sent may be a view on something larger.
    this.peer.message(typeof data === "string" ? data : new Uint8Array(data));
  }

  close(code: number, reason = ""): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.peer.closed(code, reason);
  }

  /** The connection is gone, by a close of the peer or a cut: the object hears of it when the test says so. */
  gone(): void {
    this.readyState = 3;
  }

  serializeAttachment(value: unknown): void {
    this.#attachment = structuredClone(value);
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }
}

/** `ctx` of one object, across all its memories. */
export class PlatformContext {
  sockets: PlatformSocket[] = [];
  alarmAt: number | null = null;
  #database = new DatabaseSync(":memory:");
  #statements = new Map<string, StatementSync>();
  readonly storage = {
    sql: { exec: (query: string, ...values: SQLInputValue[]) => this.#exec(query, values) },
    transactionSync: (work: () => void) => work(),
    setAlarm: async (at: number) => {
      this.alarmAt = at;
    },
    deleteAlarm: async () => {
      this.alarmAt = null;
    },
  };

  getWebSockets(tag: string): PlatformSocket[] {
    return this.sockets.filter((socket) => socket.tags.includes(tag));
  }

  acceptWebSocket(socket: PlatformSocket, tags: string[]): void {
    socket.tags = tags;
    this.sockets.push(socket);
  }

  setWebSocketAutoResponse(): void {}

  getWebSocketAutoResponseTimestamp(): null {
    return null;
  }

  /** Forgets sockets that are closing or closed, as the platform does once their close was handled. */
  sweep(): void {
    this.sockets = this.sockets.filter(({ readyState }) => readyState < 2);
  }

  #exec(query: string, values: SQLInputValue[]) {
    // Statements without parameters may come several at once: migrations.
    if (values.length === 0 && !/^\s*select/i.test(query)) {
      this.#database.exec(query);
      return rows([]);
    }
    let statement = this.#statements.get(query);
    if (statement === undefined) this.#statements.set(query, (statement = this.#database.prepare(query)));
    return rows(statement.all(...values));
  }
}

function rows<T>(all: T[]) {
  return { toArray: () => all, one: () => all[0], [Symbol.iterator]: () => all[Symbol.iterator]() };
}

/** Both ends of one upgrade: what the object sends before anybody listens is kept. */
class FakePair {
  0 = new PlatformSocket();
  1 = new PlatformSocket();

  constructor() {
    const { 0: client, 1: server } = this;
    client.other = server;
    server.peer = {
      message: (data) => client.early.push(data),
      closed: (code, reason) => (client.earlyClose = { code, reason }),
    };
  }
}

/** Node's own refuses 101 and knows no `webSocket`. */
function responseWithSocket(own: typeof Response) {
  return function FakeResponse(body?: BodyInit | null, init: ResponseInit & { webSocket?: unknown } = {}): Response {
    const { webSocket = null, status = 200, ...rest } = init;
    const response = new own(body, { ...rest, status: status === 101 ? 200 : status } as ResponseInit);
    return Object.defineProperties(response, { webSocket: { value: webSocket }, status: { value: status } });
  };
}

/** One memory of an object: its timers go with it. */
export interface Memory {
  isLost: boolean;
}

/** Whose code runs now; null is anybody's but an object's. */
export const running: { memory: Memory | null } = { memory: null };

/** Timers remember whose they are. */
function ownedTimers(own: typeof setTimeout): typeof setTimeout {
  const owned = (callback: () => void, delayMs?: number) => {
    const { memory } = running;
    return own(() => {
      if (memory?.isLost) return;
      const before = running.memory;
      running.memory = memory;
      callback();
      running.memory = before;
    }, delayMs);
  };
  return owned as typeof setTimeout;
}

/**
 * Installs what the platform has and Node lacks. Cryptography is Node's own, but answers in the same turn: a run is
 * then the same for the same seed.
 */
export function installPlatform(): void {
  const keys = new Map<string, { key: KeyObject }>();
  const subtle = {
    digest: async (_name: string, data: Uint8Array) => createHash("sha256").update(data).digest(),
    importKey: async (format: string, data: Uint8Array, algorithm: string | { name: string }) => {
      if (algorithm === "HKDF") return { data };
      const id = Buffer.from(data).toString("base64url");
      const known = keys.get(id) ?? { key: format === "raw" ? publicKeyOf(id) : privateKeyOf(data) };
      keys.set(id, known);
      return known;
    },
    deriveBits: async (algorithm: { salt: Uint8Array; info: Uint8Array }, key: { data: Uint8Array }, bits: number) =>
      hkdfSync("sha256", key.data, algorithm.salt, algorithm.info, bits / 8),
    sign: async (_name: string, { key }: { key: KeyObject }, data: Uint8Array) => sign(null, data, key),
    verify: async (_name: string, { key }: { key: KeyObject }, signature: Uint8Array, data: Uint8Array) =>
      verify(null, data, key, signature),
  };
  const own = crypto;
  const instant = {
    subtle,
    getRandomValues: own.getRandomValues.bind(own),
    randomUUID: own.randomUUID.bind(own),
  };
  Object.defineProperty(globalThis, "crypto", { value: instant, configurable: true });
  Object.assign(globalThis, {
    WebSocketPair: FakePair,
    setTimeout: ownedTimers(globalThis.setTimeout),
    WebSocketRequestResponsePair: class {},
    WebSocket: class {
      static readonly OPEN = 1;
    },
    Response: responseWithSocket(globalThis.Response),
  });
}

function publicKeyOf(x: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function privateKeyOf(pkcs8: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
}
