/** One attempt: upgrade, challenge, HELLO, WELCOME. Nothing reaches the origin before the last. */
import WebSocket from "ws";
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import { HANDSHAKE_TIMEOUT_MS, MAX_BATCH_BYTES } from "#protocol/limits.ts";
import { BATCH_HEADER_BYTES, type Challenge, decodeMessage, type SignedMessage } from "#protocol/messages.ts";
import { GATE_PREFIX, SUBPROTOCOL } from "#protocol/version.ts";
import { type AgentIdentity, assertion, checkChallenge, hello } from "./handshake.ts";

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
  /** Called in the event of WELCOME: the next message may follow in the same one, and belongs to the caller. */
  welcomed: (socket: WebSocket, link: string) => void;
}

/** How a connection ended; 1006 when it never came about or was cut. */
export interface DialEnd {
  code: number;
  reason: string;
  welcomed: boolean;
}

/** @returns when the connection is over, however it ended; never rejects */
export function dial(options: DialOptions): Promise<DialEnd> {
  const { identity, signal } = options;
  const { promise, resolve } = Promise.withResolvers<DialEnd>();
  // @types/ws does not know closeTimeout yet.
  const socketOptions: WebSocket.ClientOptions & { closeTimeout: number } = {
    headers: { Authorization: assertion(identity, options.now()) },
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  const socket = new WebSocket(tunnelUrl(identity.url), SUBPROTOCOL, socketOptions);
  let welcomed = false;
  let answered: SignedMessage<Challenge> | null = null;
  let failure: string | null = null;
  const timer = setTimeout(() => fail("handshake_timeout"), HANDSHAKE_TIMEOUT_MS);
  const abort = () => socket.close(1001, "agent stopped");

  function fail(reason: string): void {
    failure = reason;
    if (socket.readyState === WebSocket.OPEN) socket.close(CONNECTION_CLOSE.protocol, reason);
    else socket.terminate();
  }

  function step(data: Buffer, isBinary: boolean): void {
    if (!isBinary) throw new ProtocolError("unexpected_message");
    const message = decodeMessage(data);
    if (answered === null) {
      if (message.type !== "challenge") throw new ProtocolError("unexpected_message", { type: message.type });
      checkChallenge(message.message, identity, options.now());
      answered = message.message;
      socket.send(hello(answered, identity.key, options.boot, options.attempt, null));
      return;
    }
    if (message.type !== "welcome") throw new ProtocolError("unexpected_message", { type: message.type });
    clearTimeout(timer);
    welcomed = true;
    socket.off("message", handshake);
    options.welcomed(socket, message.value.link);
  }

  function handshake(data: unknown, isBinary: boolean): void {
    if (failure !== null) return;
    try {
      step(data as Buffer, isBinary);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      fail(error.code);
    }
  }

  socket.on("message", handshake);
  socket.on("error", (error) => {
    failure ??= (error as NodeJS.ErrnoException).code ?? error.message;
  });
  socket.on("unexpected-response", (_request, response) => {
    failure = `http_${response.statusCode}`;
    response.destroy();
    socket.terminate();
  });
  socket.on("close", (code, reason) => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    // Words of an edge that proved nothing count as a cut: 4409 would end this process.
    const told = answered === null ? 1006 : code;
    resolve({ code: told, reason: reason.toString() || (failure ?? ""), welcomed });
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) socket.terminate();
  return promise;
}

function tunnelUrl(url: URL): string {
  return `${url.protocol === "https:" ? "wss:" : "ws:"}//${url.host}${GATE_PREFIX}/tunnel`;
}
