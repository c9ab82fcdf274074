/**
 * One upgrade until its 101, which waits for OpenClaw's own: ACCEPTED and the first message come in one batch
 * (design section 3). Accepting, attaching and the first send happen in that event, with no await between.
 */
import { ProtocolError, resetName } from "#protocol/errors.ts";
import type { Frame, OpenHead } from "#protocol/frame.ts";
import { problem, RESET_PROBLEMS } from "../problem.ts";
import type { AgentTunnel, StreamSink } from "../tunnel/agent-tunnel.ts";
import { relayedResponse } from "./response.ts";
import { abandon } from "./websocket-relay.ts";

export class Upgrade implements StreamSink {
  #tunnel: AgentTunnel;
  #signal: AbortSignal;
  /** Accepts the browser's socket and makes its relay take over the stream. */
  #accept: (stream: number, socket: WebSocket) => void;
  #stream = 0;
  #response = Promise.withResolvers<Response>();

  constructor(tunnel: AgentTunnel, signal: AbortSignal, accept: (stream: number, socket: WebSocket) => void) {
    this.#tunnel = tunnel;
    this.#signal = signal;
    this.#accept = accept;
  }

  start(head: OpenHead): Promise<Response> {
    const stream = this.#tunnel.open(this);
    if (stream === undefined) return Promise.resolve(problem("workspace_away", 2_000));
    this.#stream = stream;
    this.#tunnel.queue({ type: "open", stream, head });
    this.#tunnel.flush();
    return this.#response.promise;
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case "accepted":
        this.#accepted(frame.protocol);
        return;
      case "refused":
        this.#tunnel.release(this.#stream);
        this.#response.resolve(relayedResponse(frame.head, frame.body));
        return;
      case "reset":
        this.#tunnel.release(this.#stream);
        this.#response.resolve(problem(RESET_PROBLEMS[resetName(frame.code)], 2_000));
        return;
      default:
        throw new ProtocolError("illegal_step", { frame: frame.type });
    }
  }

  lost(): void {
    this.#response.resolve(problem("workspace_lost", 2_000));
  }

  #accepted(protocol: string): void {
    if (this.#signal.aborted) {
      // Accepted now, a socket whose client has left would live for ever.
      abandon(this.#tunnel, this.#stream);
      this.#response.resolve(problem("workspace_lost"));
      return;
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.#accept(this.#stream, server);
    const headers: Record<string, string> = protocol === "" ? {} : { "sec-websocket-protocol": protocol };
    this.#response.resolve(new Response(null, { status: 101, webSocket: client, headers }));
  }
}
