/** Both ends of the tunnel, real, with a network, browsers and an OpenClaw that the model plays (SPEC.md sections 2 to 7). */
import { vi } from "vitest";
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { SILENT_AFTER_MS } from "#protocol/limits.ts";
import { decodeMessage } from "#protocol/messages.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { Tunnel } from "../../workspace-agent/connection/tunnel.ts";
import { OriginHealth } from "../../workspace-agent/origin/origin-failure.ts";
import { WebSocketOrigin } from "../../workspace-agent/origin/websocket-origin.ts";
import { messageOf, nameOf, OriginSocket } from "./origin.ts";
import { UploadSink } from "./upload-sink.ts";
import { ObjectEnd, proof, settled } from "./object-end.ts";
import type { PlatformSocket } from "./platform.ts";
import { Wire } from "./wire.ts";

export interface ModelBrowser {
  name: string;
  /** Null until the 101. */
  socket: PlatformSocket | null;
  sent: string[];
  received: string[];
  closed: { code: number; reason: string } | null;
  /** Whether the browser itself closed. */
  left: boolean;
  status: number | null;
}

export interface ModelUpload {
  bytes: number;
  /** Status and text; null until it is answered. */
  answer: string | null;
}

const AGENT = "agent-0001";
const CHUNK_BYTES = 64 * 1024;

export class World {
  readonly browsers: ModelBrowser[] = [];
  readonly uploads: ModelUpload[] = [];
  /** By browser; a stream that was opened again would have two. */
  readonly origins = new Map<string, OriginSocket[]>();
  /** Anything that no run may ever show. */
  readonly wrong: string[] = [];
  /** What may end streams that nobody closed. */
  readonly excuses = new Set<string>();
  readonly #end = new ObjectEnd();
  #session = "";
  #boot = 1;
  #attempt = 0;
  #tunnel: Tunnel;
  #wires: Wire[] = [];
  #later: (() => void)[] = [];
  #number = 0;

  constructor() {
    this.#tunnel = this.#makeTunnel();
  }

  static async start(): Promise<World> {
    const world = new World();
    world.#session = await world.#end.signIn("alice");
    await world.dial();
    await world.deliverAll();
    // Two chats stand already: most faults are about what is open.
    for (let n = 0; n < 2; n++) await world.openBrowser();
    await world.deliverAll();
    await world.pass(60);
    await world.deliverAll();
    if (world.browsers.some(({ socket }) => socket === null)) throw new Error("the model's chats do not stand");
    return world;
  }

  /** Messages and ends handed over so far. */
  events = 0;

  /** Whether the agent has a connection that both sides believe in, and nobody is owed word of another. */
  get isJoined(): boolean {
    const [wire, ...others] = this.#wires.filter(({ agentIsGone, objectIsOwed }) => !agentIsGone || objectIsOwed);
    return others.length === 0 && wire?.agentIsGone === false && this.#tunnel.phase === "active";
  }

  get openStreams(): number {
    return this.#tunnel.link?.streams.size ?? 0;
  }

  /** The agent dials, unless it believes in a connection. */
  async dial(): Promise<void> {
    if (this.#wires.some((wire) => !wire.agentIsGone)) return;
    const wire = new Wire();
    this.#wires.push(wire);
    this.#attempt += 1;
    wire.socket = await this.#end.dial(AGENT, wire.peer);
  }

  /** The process dies and another one starts: origin's sockets die with it. */
  async restartAgent(): Promise<void> {
    this.excuses.add("restart");
    for (const wire of this.#wires) if (!wire.agentIsGone) this.cutAtAgent(wire);
    this.#tunnel.link?.end("killed");
    this.#boot += 1;
    this.#attempt = 0;
    this.#tunnel = this.#makeTunnel();
    await this.dial();
  }

  /** The agent hears that its connection is gone; what it sent may still arrive. */
  cutAtAgent(wire = this.#current): void {
    if (wire === undefined) return;
    wire.agentIsGone = true;
    wire.toAgent.length = 0;
    wire.objectIsOwed = true;
    this.#tunnel.link?.closed(wire, 1006);
  }

  /** Everything under way is lost, and the agent hears of it; the object will. */
  cutBoth(keep: number): void {
    const wire = this.#current;
    if (wire === undefined) return;
    wire.toObject.splice(keep);
    this.cutAtAgent(wire);
  }

  /** The object hears of an end that it is owed. */
  async tellObject(): Promise<void> {
    const wire = this.#wires.find(({ objectIsOwed }) => objectIsOwed);
    if (wire === undefined) return;
    wire.objectIsOwed = false;
    wire.toObject.length = 0;
    await this.#closeAtObject(wire, 1006, "");
  }

  /** The object loses its memory, at any time that hibernation might take. */
  evict(): void {
    if (this.isObjectBusy) this.excuses.add("evicted while busy");
    this.#end.evict();
  }

  /** Whether the object holds anything that only its memory knows. */
  get isObjectBusy(): boolean {
    const waits =
      this.browsers.some(({ status }) => status === null) || this.uploads.some(({ answer }) => answer === null);
    return waits || vi.getTimerCount() > this.#agentTimers;
  }

  #agentTimers = 0;

  async openBrowser(): Promise<void> {
    const name = `b${this.browsers.length}`;
    const browser: ModelBrowser = {
      name,
      socket: null,
      sent: [],
      received: [],
      closed: null,
      left: false,
      status: null,
    };
    this.browsers.push(browser);
    const { response } = await this.#end.fetch(this.#session, true, new AbortController().signal, null, {
      "user-agent": name,
    });
    void response.then(
      (answer) => this.#answered(browser, answer as Response & { webSocket: PlatformSocket | null }),
      (error: unknown) => this.wrong.push(`fetch failed: ${String(error)}`),
    );
  }

  /** A browser sends a body; each chunk is read when there is credit for the one before. */
  async upload(chunks: number): Promise<void> {
    const upload: ModelUpload = { bytes: chunks * CHUNK_BYTES, answer: null };
    this.uploads.push(upload);
    let left = chunks;
    const body = new ReadableStream({
      type: "bytes",
      pull(controller: ReadableByteStreamController) {
        if (left-- > 0) controller.enqueue(new Uint8Array(CHUNK_BYTES));
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    } as UnderlyingByteSource);
    const { response } = await this.#end.fetch(this.#session, false, new AbortController().signal, body);
    void response.then(async (answer) => {
      const text = answer.status === 200 ? await answer.text() : (answer.headers.get("x-tidegate-error") ?? "");
      upload.answer = `${answer.status} ${text}`;
    });
  }

  async browserSays(at: number, size: number): Promise<void> {
    const browser = this.#pick(at);
    const server = browser?.socket?.other;
    if (browser === undefined || server === undefined || server === null || browser.closed || browser.left) return;
    const bytes = messageOf(browser.name, ++this.#number, size);
    browser.sent.push(nameOf(bytes));
    await this.#end.message(server, bytes);
  }

  async browserLeaves(at: number): Promise<void> {
    const browser = this.#pick(at);
    const server = browser?.socket?.other;
    if (browser === undefined || server === undefined || server === null || browser.closed || browser.left) return;
    browser.left = true;
    server.gone();
    await this.#end.closed(server, 1001, "");
  }

  /** The object hears that a browser answered its close. */
  async browserAnswersClose(browser: ModelBrowser): Promise<void> {
    const server = browser.socket?.other;
    if (server === undefined || server === null || server.readyState !== 2) return;
    server.gone();
    await this.#end.closed(server, browser.closed?.code ?? 1005, "");
  }

  originSays(at: number, size: number): void {
    const browser = this.#pick(at);
    if (browser === undefined) return;
    this.origins
      .get(browser.name)
      ?.at(-1)
      ?.say(messageOf(`o${browser.name}`, ++this.#number, size));
  }

  originHangsUp(at: number): void {
    const browser = this.#pick(at);
    if (browser !== undefined) this.origins.get(browser.name)?.at(-1)?.hangUp(4001);
  }

  /** Hands over the next messages of one direction; of several connections on the newest or on the oldest first. */
  async deliver(toObject: boolean, count: number, newest = false): Promise<void> {
    for (let n = 0; n < count; n++) {
      const wires = this.#wires.filter((one) => (toObject ? one.toObject.length > 0 : one.toAgent.length > 0));
      const wire = wires.at(newest ? -1 : 0);
      if (wire === undefined) return;
      if (toObject) await this.#toObject(wire);
      else this.#toAgent(wire);
      await this.run();
    }
  }

  /** Runs what the agent put off to the end of its event. */
  async run(): Promise<void> {
    await settled();
    while (this.#later.length > 0) {
      for (const callback of this.#later.splice(0)) callback();
      await settled();
    }
  }

  async deliverAll(): Promise<void> {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      await this.run();
      for (const browser of this.browsers) await this.browserAnswersClose(browser);
      if (this.#wires.every(({ toObject, toAgent }) => toObject.length === 0 && toAgent.length === 0)) return;
      await this.deliver(true, 1);
      await this.deliver(false, 1);
    }
    this.wrong.push("the ends never fall silent");
  }

  /** Time passes; the object's alarm comes when it is due. */
  async pass(ms: number): Promise<void> {
    if (ms >= SILENT_AFTER_MS) this.excuses.add("time");
    vi.advanceTimersByTime(ms);
    await this.run();
    const due = this.#end.context.alarmAt;
    if (due !== null && due <= Date.now()) {
      this.#end.context.alarmAt = null;
      await this.#end.alarm();
    }
    this.#end.context.sweep();
  }

  get #current(): Wire | undefined {
    return this.#wires.find((wire) => !wire.agentIsGone);
  }

  #pick(at: number): ModelBrowser | undefined {
    return this.browsers[at % Math.max(1, this.browsers.length)];
  }

  async #toObject(wire: Wire): Promise<void> {
    const item = wire.toObject.shift();
    const { socket } = wire;
    if (item === undefined || socket === null) return;
    this.events += 1;
    if (item.type === "close") return this.#closeAtObject(wire, item.code, item.reason);
    item.written();
    // The platform drops what comes after the object's own close.
    if (socket.readyState !== 1) return;
    await this.#end.message(socket, item.bytes);
  }

  async #closeAtObject(wire: Wire, code: number, reason: string): Promise<void> {
    const { socket } = wire;
    if (socket === null || socket.readyState === 3) return;
    socket.gone();
    await this.#end.closed(socket, code, reason);
    this.#wires = this.#wires.filter((other) => other !== wire || !wire.agentIsGone);
  }

  #toAgent(wire: Wire): void {
    const item = wire.toAgent.shift();
    if (item === undefined || wire.agentIsGone) return;
    this.events += 1;
    if (item.type === "close") return this.#closeAtAgent(wire, item.code, item.reason);
    const { link } = this.#tunnel;
    const message = decodeMessage(item.bytes);
    switch (message.type) {
      case "challenge":
        wire.send(
          proof(message.message, { boot: this.#boot, attempt: this.#attempt, resume: this.#tunnel.hello }),
          () => {},
        );
        return;
      case "welcome":
        if (link !== null && this.excuses.size === 0) this.wrong.push("a link was refused that stands");
        this.#tunnel.greet({ type: "welcome", link: message.value.link }, wire);
        return;
      case "resumed":
        try {
          this.#tunnel.greet({ type: "resumed", resumed: message.value }, wire);
        } catch (error) {
          // As the dial does; right only when time ran out between HELLO and this answer.
          if (this.excuses.size === 0) this.wrong.push(`RESUMED refused: ${String(error)}`);
          wire.close(CONNECTION_CLOSE.protocol, "unexpected_message");
        }
        return;
      default:
        link?.receive(wire, item.bytes);
    }
  }

  #closeAtAgent(wire: Wire, code: number, reason: string): void {
    wire.agentIsGone = true;
    wire.objectIsOwed = true;
    // A proof that was a minute under way is refused.
    const late = reason === "stale_challenge" && this.excuses.has("time");
    if ((code === CONNECTION_CLOSE.protocol && !late) || code === 1011)
      this.wrong.push(`connection ended ${code} ${reason}`);
    const { link } = this.#tunnel;
    link?.closed(wire, code);
    this.#tunnel.link?.refused(code);
  }

  #answered(browser: ModelBrowser, response: Response & { webSocket: PlatformSocket | null }): void {
    browser.status = response.status;
    const { webSocket } = response;
    browser.socket = webSocket;
    if (webSocket === null || webSocket.other === null) return;
    const hear = (data: string | Uint8Array<ArrayBuffer>) => browser.received.push(nameOf(data as Uint8Array));
    for (const data of webSocket.early) hear(data);
    browser.closed = webSocket.earlyClose;
    webSocket.other.peer = {
      message: (data) => void hear(data),
      closed: (code, reason) => (browser.closed = { code, reason }),
    };
  }

  #makeTunnel(): Tunnel {
    const log = () => {};
    const later = (callback: () => void) => void this.#later.push(callback);
    const origin = {
      address: { host: "127.0.0.1", port: 1, localAddress: "127.77.0.1", userHeader: "x-user" },
      authority: "127.0.0.1:1",
      health: new OriginHealth(() => {}),
      openSocket: (head: { headers: [string, string][] }) => {
        const name = head.headers.find(([header]) => header === "user-agent")?.[1] ?? "nobody";
        const socket = new OriginSocket(later);
        this.origins.set(name, [...(this.origins.get(name) ?? []), socket]);
        return socket;
      },
    };
    return new Tunnel({
      openStream: (id, head, port) => {
        if (head.kind === "http") return new UploadSink(id, port, later);
        const stream = new WebSocketOrigin(id, head, origin as never, port, null);
        stream.start();
        return stream;
      },
      identity: {
        receive: (frame, answer) =>
          later(() => answer({ type: "written", stream: 0, version: frame.version, result: "ok" })),
        release: () => {},
      },
      clock: {
        now: () => Date.now(),
        after: (delayMs, callback) => {
          const timer = setTimeout(callback, delayMs);
          return () => clearTimeout(timer);
        },
        soon: later,
      },
      traffic: new Traffic(),
      log,
    });
  }
}
