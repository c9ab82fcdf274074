/** A raw client of OpenClaw's gateway protocol, signed in at Tidegate: says what no page would say. */
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import WebSocket from "ws";
import type { Role } from "#protocol/identity.ts";
import { openClawRelease, releaseFolder } from "../../scripts/openclaw-install.ts";

export interface GatewayError {
  code: string;
  message: string;
  details?: { code?: string; missingScope?: string };
}
export interface GatewayAnswer {
  ok: boolean;
  payload?: unknown;
  error?: GatewayError;
}

interface Event {
  event: string;
  payload: Record<string, unknown>;
}

/** What is not as the Control UI does it. */
interface Otherwise {
  headers?: [string, string][];
  path?: string;
  /** Of `connect`. */
  params?: object;
}
interface Asked {
  client: { id: string; mode: string };
  role: string;
  scopes: string[];
}

/** What the Control UI asks for; OpenClaw gives what identity and cap leave of it. */
const SCOPES = ["admin", "read", "write", "approvals", "questions", "pairing"].map((name) => `operator.${name}`);

/** OpenClaw is told within seconds, or not at all. */
const MADE_ADMIN_MS = 20_000;

export class GatewaySession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (answer: GatewayAnswer) => void>();
  readonly events: Event[] = [];
  readonly #listeners = new Set<() => void>();
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** OpenClaw's hello. */
  hello: { features: { methods: string[] }; auth: { scopes: string[] }; server: { version: string } } | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    void this.closed.then((code) => {
      for (const settle of this.#waiting.values()) settle({ ok: false, error: { code: "CLOSED", message: `${code}` } });
    });
    socket.on("message", (data) => this.#receive(String(data)));
  }

  /** Signs in to the gateway protocol as the Control UI would, but for `otherwise`. @throws when OpenClaw refuses */
  static async open(url: string, cookie: string, otherwise: Otherwise = {}): Promise<GatewaySession> {
    const { headers = [], path = "/", params: posed = {} } = otherwise;
    const page = await (await fetch(`${url}/`, { headers: { cookie, accept: "text/html" } })).text();
    const buildId = /control-ui-build-id="([^"]+?)-[0-9a-f]{64}"/.exec(page)?.[1] ?? buildIdInScripts();
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, {
      headers: { ...Object.fromEntries(headers), cookie, origin: url },
    });
    const session = new GatewaySession(socket);
    const { payload } = await session.event(({ event }) => event === "connect.challenge");
    const client = {
      id: "openclaw-control-ui",
      version: openClawRelease(),
      platform: "linux",
      mode: "webchat",
      buildId,
    };
    const asked = { minProtocol: 4, maxProtocol: 4, client, role: "operator", scopes: SCOPES, caps: [], ...posed };
    const params = { ...asked, device: deviceOf(payload as { nonce: string; ts: number }, asked) };
    const answer = await session.request("connect", params);
    if (!answer.ok) throw new Error(`connect: ${JSON.stringify(answer.error)}`);
    session.hello = answer.payload as GatewaySession["hello"];
    return session;
  }

  /** As {@link open}; on a busy machine an administrator may be in before OpenClaw knows, and is reconnected when it does. */
  static async openAs(role: Role, url: string, cookie: string): Promise<GatewaySession> {
    for (;;) {
      const session = await GatewaySession.open(url, cookie);
      if (role !== "admin" || session.hello?.auth.scopes.includes("operator.admin")) return session;
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), MADE_ADMIN_MS);
      const ended = await Promise.race([session.closed, late.promise]);
      clearTimeout(timer);
      if (ended === "late") throw new Error("OpenClaw did not make them an administrator");
    }
  }

  request(method: string, params: object = {}): Promise<GatewayAnswer> {
    const id = randomUUID();
    return this.say(JSON.stringify({ type: "req", id, method, params }), id);
  }

  /** Sends any bytes; `id` says which answer is meant. */
  say(message: string | Buffer, id: string): Promise<GatewayAnswer> {
    const { promise, resolve } = Promise.withResolvers<GatewayAnswer>();
    this.#waiting.set(id, resolve);
    this.#socket.send(message);
    return promise;
  }

  /** @returns the first event, past or to come, that fits */
  async event(fits: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  close(): void {
    this.#socket.close();
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as { type: string; id: string } & GatewayAnswer & Event;
    if (message.type === "event") {
      this.events.push(message);
      for (const wake of this.#listeners) wake();
      this.#listeners.clear();
      return;
    }
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}

/** Up to 2026.9.1 the page does not say it, only its scripts do. */
function buildIdInScripts(): string | undefined {
  const assets = join(releaseFolder(openClawRelease()), "node_modules/openclaw/dist/control-ui/assets");
  for (const file of readdirSync(assets).filter((name) => name.endsWith(".js"))) {
    const found = /\bbuildId:[`"](\d{4}\.[^`"]+)[`"]/.exec(readFileSync(join(assets, file), "utf8"));
    if (found) return found[1];
  }
  return undefined;
}

/** A new device, which signs OpenClaw's challenge. */
function deviceOf({ nonce, ts }: { nonce: string; ts: number }, { client, role, scopes }: Asked) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const id = createHash("sha256").update(raw).digest("hex");
  const words = ["v2", id, client.id, client.mode, role, scopes.join(","), ts, "", nonce];
  const signature = sign(null, Buffer.from(words.join("|")), privateKey).toString("base64url");
  return { id, publicKey: raw.toString("base64url"), signedAt: ts, nonce, signature };
}
