/** OpenClaw as the model plays it: one WebSocket for each browser, and what each side said on it. */
import { EventEmitter } from "node:events";

const OPEN = 1;
const CLOSED = 3;

const FILLER = Buffer.alloc(1024 * 1024, ".");

/** A message of the model: `size` bytes that begin with who said it and which one it is. */
export function messageOf(name: string, number: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(size, 24)).fill(0x2e);
  bytes.set(new TextEncoder().encode(`${name} ${number} `));
  return bytes;
}

/** @returns what identifies a message, its length with it */
export function nameOf(bytes: Uint8Array): string {
  const head = new TextDecoder().decode(bytes.subarray(0, 24)).replace(/\.+$/, "");
  const filler = bytes.subarray(24);
  const whole = FILLER.subarray(0, filler.byteLength).equals(filler);
  return `${head}${bytes.byteLength}${whole ? "" : " damaged"}`;
}

/** The socket that the agent opened, with as much of `ws` as the agent uses. */
export class OriginSocket extends EventEmitter {
  readonly protocol = "";
  readonly received: string[] = [];
  readonly sent: string[] = [];
  readyState = 0;
  isPaused = false;
  /** It closed by itself. */
  hungUp = false;
  /** How the agent closed it. */
  closedWith: number | null = null;
  #fragments: Uint8Array[] = [];
  #waiting: Uint8Array[] = [];
  #later: (callback: () => void) => void;

  constructor(later: (callback: () => void) => void) {
    super();
    this.#later = later;
    later(() => this.#open());
  }

  get isOpen(): boolean {
    return this.readyState === OPEN;
  }

  /** OpenClaw says something. */
  say(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen) return;
    this.sent.push(nameOf(bytes));
    this.#waiting.push(bytes);
    this.#pump();
  }

  /** OpenClaw closes. */
  hangUp(code: number): void {
    if (!this.isOpen || this.isPaused) return;
    this.readyState = CLOSED;
    this.hungUp = true;
    this.emit("close", code, Buffer.from("model"));
  }

  send(bytes: Uint8Array, options: { fin: boolean }, written: (error?: Error) => void): void {
    if (!this.isOpen) return written(new Error("not open"));
    this.#fragments.push(new Uint8Array(bytes));
    if (options.fin) {
      this.received.push(nameOf(Buffer.concat(this.#fragments)));
      this.#fragments = [];
    }
    this.#later(() => written());
  }

  close(code: number): void {
    this.#end(code);
  }

  terminate(): void {
    this.#end(1006);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#pump();
  }

  #open(): void {
    if (this.readyState !== 0) return;
    this.readyState = OPEN;
    this.emit("open");
    this.say(messageOf("hello", 0, 24));
  }

  #pump(): void {
    while (this.isOpen && !this.isPaused) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.emit("message", Buffer.from(bytes), true);
    }
  }

  #end(code: number): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.closedWith = code;
    this.#later(() => this.emit("close", code, Buffer.from("")));
  }
}
