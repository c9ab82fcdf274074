/** A tenant object with a browser's socket and a download open, whose agent sends whatever a fuzzer makes. */
import { decodeMessage, type Challenge, type SignedMessage } from "#protocol/messages.ts";
import { encodeFrame } from "#protocol/codec.ts";
import { encodeBatch } from "#protocol/messages.ts";
import { vi } from "vitest";
import { ObjectEnd, proof } from "./object-end.ts";
import type { PlatformSocket } from "./platform.ts";

type Make = (number: number, ack: number) => Uint8Array<ArrayBuffer>;

export class ObjectUnderFire {
  /** How connections ended, and how often: `code reason`. */
  readonly endings = new Map<string, number>();
  #end = new ObjectEnd();
  #session = "";
  #socket: PlatformSocket | null = null;
  #sent = 0;
  #attempt = 0;
  #received = 0;
  #hits = 0;

  static async start(): Promise<ObjectUnderFire> {
    const target = new ObjectUnderFire();
    await target.#connect();
    return target;
  }

  /** One hostile message, well numbered, on a connection that stands. */
  async hit(make: Make): Promise<void> {
    if (this.#socket === null) await this.#connect();
    const socket = this.#socket;
    if (socket === null) throw new Error("the object refused a good agent");
    const message = make(this.#sent + 1, this.#received);
    const before = socket.readyState;
    await this.#end.message(socket, message);
    if (before === 1 && socket.readyState === 1) this.#count(message);
  }

  /** Throws unless a good agent is welcomed and a good exchange goes through. */
  async mustServe(): Promise<void> {
    this.#drop();
    await this.#connect();
    if (this.#socket === null) throw new Error("the object refused a good agent");
  }

  /** The peer counts only batches that were taken. */
  #count(message: Uint8Array): void {
    try {
      if (decodeMessage(message).type === "batch") this.#sent += 1;
    } catch {
      // Refused: then the socket is closed, and a new link counts from the start.
    }
  }

  async #connect(): Promise<void> {
    // Time passes, so that nobody runs into a rate limit; a session lasts for a while.
    vi.setSystemTime(Date.now() + 2_000);
    if (this.#attempt % 5_000 === 0) this.#session = await this.#end.signIn("alice");
    this.#sent = 0;
    this.#received = 0;
    const challenged = Promise.withResolvers<SignedMessage<Challenge>>();
    const peer = {
      message: (data: string | Uint8Array<ArrayBuffer>) => {
        if (typeof data === "string") return;
        const message = decodeMessage(data);
        if (message.type === "challenge") challenged.resolve(message.message);
        if (message.type === "batch") this.#received = message.number;
      },
      closed: (code: number, reason: string) => {
        const ending = `${code} ${reason}`;
        this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
        this.#drop();
      },
    };
    const socket = await this.#end.dial("agent-0001", peer);
    const hello = proof(await challenged.promise, { boot: 1, attempt: ++this.#attempt, resume: null });
    await this.#end.message(socket, hello);
    this.#socket = socket;
    // Streams 1 and 2: a browser's socket that OpenClaw accepted, and a download that waits for its head.
    const { response: upgraded } = await this.#end.fetch(this.#session, true, new AbortController().signal);
    await this.#send(encodeFrame({ type: "accepted", stream: 1, protocol: "" }));
    const response = (await upgraded) as Response & { webSocket: PlatformSocket | null };
    if (response.webSocket === null) throw new Error(`no upgrade: ${response.status}`);
    const { response: download } = await this.#end.fetch(this.#session, false, new AbortController().signal);
    // Read by nobody: what comes of it must not come back as an error of this process.
    void download.then((answer) => answer.body?.cancel()).catch(() => {});
  }

  async #send(frame: Uint8Array): Promise<void> {
    const batch = encodeBatch(++this.#sent, this.#received, [frame]);
    if (this.#socket !== null) await this.#end.message(this.#socket, batch);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.gone();
    // Whatever the object did, the platform reports the close.
    void this.#end.closed(socket, 1006, "");
    if (++this.#hits % 16 === 0) this.#end.context.sweep();
  }
}
