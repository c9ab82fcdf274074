/**
 * One connection after its greeting: hands messages to the link, keeps it alive by pings, and notices when it froze.
 * What is decoded are views on the message; `ws` never reuses a message's memory, so they may be kept.
 */
import type { Socket } from "node:net";
import type WebSocket from "ws";
import { ProtocolError } from "#protocol/errors.ts";
import { PING_INTERVAL_MS } from "#protocol/limits.ts";
import { MESSAGE_NUMBERS } from "#protocol/messages.ts";
import type { Clock } from "../clock.ts";
import type { AgentLink } from "./agent-link.ts";
import type { LinkConnection } from "./link-output.ts";
import { SilenceWatch } from "./silence-watch.ts";

export class AgentSocket implements LinkConnection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #silence: SilenceWatch;
  #cancelPing: (() => void) | null = null;

  /** @param transport what `socket` runs over, which knows how many bytes came in */
  constructor(socket: WebSocket, transport: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#silence = new SilenceWatch({
      clock,
      receivedBytes: () => transport.bytesRead,
      bufferedBytes: () => socket.bufferedAmount,
      ping: () => socket.send("ping"),
      silent: () => socket.terminate(),
    });
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array, written: () => void): void {
    this.#socket.send(message, written);
    // An acknowledgement asks for no answer.
    if (message[0] === MESSAGE_NUMBERS.batch) this.#silence.sent(message.byteLength);
  }

  close(code: number, reason: string): void {
    this.#stop();
    this.#socket.close(code, reason);
  }

  /** Hands everything that comes from now on to the link that the gateway's greeting gave this connection. */
  carry(link: AgentLink): void {
    this.#socket.on("message", (data, isBinary) => this.#receive(link, data as Buffer, isBinary));
    this.#socket.on("close", (code) => {
      this.#stop();
      link.closed(this, code);
    });
    this.#pingLater();
  }

  #receive(link: AgentLink, data: Buffer, isBinary: boolean): void {
    this.#silence.heard();
    if (isBinary) link.receive(this, data);
    else if (data.toString() !== "pong") link.fail(this, new ProtocolError("unexpected_message", { type: "text" }));
  }

  #pingLater(): void {
    this.#cancelPing = this.#clock.after(PING_INTERVAL_MS, () => {
      this.#socket.send("ping");
      this.#silence.sent(0);
      this.#pingLater();
    });
  }

  #stop(): void {
    this.#silence.stop();
    this.#cancelPing?.();
    this.#cancelPing = null;
  }
}
