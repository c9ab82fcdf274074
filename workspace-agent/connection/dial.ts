/** One attempt: upgrade, challenge, HELLO, and the greeting that answers it. Nothing reaches the origin before that. */
import type { Socket } from "node:net";
import WebSocket from "ws";
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import { HANDSHAKE_TIMEOUT_MS, MAX_BATCH_BYTES } from "#protocol/limits.ts";
import {
  BATCH_HEADER_BYTES,
  type Challenge,
  type ConnectionMessage,
  decodeMessage,
  type Hello,
  type SignedMessage,
} from "#protocol/messages.ts";
import { AGENT_PASS_HEADER, ERROR_HEADER, GATE_PREFIX, SUBPROTOCOL } from "#protocol/version.ts";
import { type AgentIdentity, assertion, checkChallenge, hello } from "./handshake.ts";
import { proxyAgent } from "./proxy.ts";
import type { Greeting } from "./tunnel.ts";

/** A batch of the largest size fits; anything beyond twice that is no peer of ours. */
const MAX_PAYLOAD_BYTES = 2 * MAX_BATCH_BYTES + BATCH_HEADER_BYTES;
/** A browser-like close handshake is not worth longer than this with a gateway that went away. */
const CLOSE_TIMEOUT_MS = 3_000;

export interface DialOptions {
  identity: AgentIdentity;
  boot: number;
  attempt: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  signal: AbortSignal;
  /** The way out, when it is not a direct one. */
  proxy?: URL | null;
  /** The longest that the whole attempt may take. */
  timeoutMs?: number;
  /** The gateway gave a pass that counts from the next dial on. */
  renewed?: (pass: string) => void;
  /** The link to go on with, asked when HELLO is made: it may have ended since the dial began. */
  resume: () => Hello["resume"];
  /**
   * Called in the event of the greeting: the next message may follow in the same one, and belongs to the caller.
   * @throws {ProtocolError} when the greeting cannot be; the connection is closed 4400 then
   */
  greeted: (greeting: Greeting, socket: WebSocket, transport: Socket) => void;
}

/** How a connection ended; 1006 when it never came about or was cut. */
export interface DialEnd {
  code: number;
  reason: string;
  /** Whether the gateway proved its key: what an unproven one says decides nothing. */
  proven: boolean;
  greeted: boolean;
}

/** @returns when the connection is over, however it ended; never rejects */
export function dial(options: DialOptions): Promise<DialEnd> {
  const { identity, signal, timeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const { promise, resolve } = Promise.withResolvers<DialEnd>();
  const over = new AbortController();
  // @types/ws does not know closeTimeout yet.
  const socketOptions: WebSocket.ClientOptions & { closeTimeout: number } = {
    headers: { Authorization: assertion(identity, options.now()) },
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    handshakeTimeout: timeoutMs,
    closeTimeout: CLOSE_TIMEOUT_MS,
    ...(options.proxy ? { agent: proxyAgent(options.proxy, over.signal) } : {}),
  };
  const socket = new WebSocket(tunnelUrl(identity.url), SUBPROTOCOL, socketOptions);
  let transport: Socket | null = null;
  let greeted = false;
  let answered: SignedMessage<Challenge> | null = null;
  let asked: Hello["resume"] = null;
  let failure: string | null = null;
  const timer = setTimeout(() => fail(CONNECTION_CLOSE.protocol, "handshake_timeout"), timeoutMs);

  function fail(code: number, reason: string): void {
    failure ??= reason;
    if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    else socket.terminate();
  }

  function abort(): void {
    if (!greeted) fail(1001, "agent stopped");
  }

  function step(data: Buffer, isBinary: boolean): void {
    if (!isBinary) throw new ProtocolError("unexpected_message");
    const message = decodeMessage(data);
    if (answered === null) {
      if (message.type !== "challenge") throw new ProtocolError("unexpected_message", { type: message.type });
      checkChallenge(message.message, identity, options.now());
      answered = message.message;
      asked = options.resume();
      socket.send(hello(answered, identity.key, options.boot, options.attempt, asked));
      return;
    }
    const greeting = greetingOf(message);
    if (greeting === null || transport === null || (greeting.type === "resumed" && asked === null)) {
      throw new ProtocolError("unexpected_message", { type: message.type });
    }
    clearTimeout(timer);
    socket.off("message", handshake);
    greeted = true;
    options.greeted(greeting, socket, transport);
  }

  function handshake(data: unknown, isBinary: boolean): void {
    if (failure !== null) return;
    try {
      step(data as Buffer, isBinary);
    } catch (error) {
      if (error instanceof ProtocolError) fail(CONNECTION_CLOSE.protocol, error.code);
      else fail(1011, "internal_error");
    }
  }

  socket.on("message", handshake);
  socket.on("upgrade", (response) => {
    transport = response.socket;
    const pass = response.headers[AGENT_PASS_HEADER];
    if (typeof pass === "string" && /^[A-Za-z0-9_-]{1,256}$/.test(pass)) options.renewed?.(pass);
  });
  socket.on("error", (error) => {
    failure ??= (error as NodeJS.ErrnoException).code ?? error.message;
  });
  socket.on("unexpected-response", (_request, response) => {
    // The gateway's own refusals have a code; what else stands in the way has a status only.
    const code = response.headers[ERROR_HEADER];
    failure = typeof code === "string" && /^[a-z_]{1,40}$/.test(code) ? code : `http_${response.statusCode}`;
    response.destroy();
    socket.terminate();
  });
  socket.on("close", (code, reason) => {
    clearTimeout(timer);
    over.abort();
    signal.removeEventListener("abort", abort);
    resolve({ code, reason: reason.toString() || (failure ?? ""), proven: answered !== null, greeted });
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) socket.terminate();
  return promise;
}

function greetingOf(message: ConnectionMessage): Greeting | null {
  if (message.type === "welcome") return { type: "welcome", link: message.value.link };
  return message.type === "resumed" ? { type: "resumed", resumed: message.value } : null;
}

function tunnelUrl(url: URL): string {
  return `${url.protocol === "https:" ? "wss:" : "ws:"}//${url.host}${GATE_PREFIX}/tunnel`;
}
