/**
 * One upgrade until its 101, which waits for OpenClaw's own: ACCEPTED and the first message come in one batch
 * (design section 3). Accepting, attaching and the first send happen in that event, with no await between.
 */
import { ProtocolError, RESET_CODES, resetName, type ResetCode } from "#protocol/errors.ts";
import type { Frame, OpenHead, ResponseHead } from "#protocol/frame.ts";
import { problem, RESET_PROBLEMS } from "../problem.ts";
import type { AgentLink, StreamSink } from "../tunnel/agent-link.ts";
import { hasBody, relayedResponse } from "./response.ts";

/** Accepts the browser's socket and makes its relay take over the stream; `last` is the batch that held OPEN. */
export type Accept = (stream: number, last: number, socket: WebSocket) => void;

/** Whose exchange it is: hash of the session's id, and the person's key. */
export interface Owner {
  session: string;
  person: string;
}

export class Upgrade implements StreamSink {
  readonly session: string;
  readonly person: string;
  #link: AgentLink;
  #head: OpenHead;
  #signal: AbortSignal;
  #accept: Accept;
  #stream = 0;
  #last = 0;
  #settled = false;
  #response = Promise.withResolvers<Response>();

  constructor(link: AgentLink, owner: Owner, head: OpenHead, signal: AbortSignal, accept: Accept) {
    this.#link = link;
    this.session = owner.session;
    this.person = owner.person;
    this.#head = head;
    this.#signal = signal;
    this.#accept = accept;
  }

  start(): Promise<Response> {
    const stream = this.#link.open(this);
    if (stream === undefined) return Promise.resolve(problem("too_many_streams", 2_000));
    this.#stream = stream;
    this.#last = this.#link.queue({ type: "open", stream, head: this.#head });
    this.#link.flush();
    // A client that left is told nothing; OpenClaw is.
    this.#signal.addEventListener("abort", () => this.cancel("cancelled"));
    return this.#response.promise;
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case "accepted":
        this.#accepted(frame.protocol);
        return;
      case "refused":
        this.#link.release(this.#stream);
        this.#settle(refusal(frame.head, frame.body));
        return;
      case "reset":
        this.#link.release(this.#stream);
        this.#settle(problem(RESET_PROBLEMS[resetName(frame.code)], 2_000));
        return;
      default:
        throw new ProtocolError("illegal_step", { frame: frame.type });
    }
  }

  lost(): void {
    this.#settle(problem("workspace_lost", 2_000));
  }

  /** Ends the upgrade from this side, as long as it has not been answered. */
  cancel(code: ResetCode): void {
    if (this.#settled) return;
    this.#link.release(this.#stream);
    this.#link.queue({ type: "reset", stream: this.#stream, code: RESET_CODES[code] });
    this.#settle(problem(RESET_PROBLEMS[code]));
    this.#link.flush();
  }

  #accepted(protocol: string): void {
    // Accepted now, a socket whose client has left would live for ever.
    if (this.#signal.aborted) return this.cancel("cancelled");
    const { 0: client, 1: server } = new WebSocketPair();
    this.#accept(this.#stream, this.#last, server);
    const headers: Record<string, string> = protocol === "" ? {} : { "sec-websocket-protocol": protocol };
    this.#settle(new Response(null, { status: 101, webSocket: client, headers }));
  }

  #settle(response: Response): void {
    this.#settled = true;
    this.#response.resolve(response);
  }
}

/** OpenClaw's own answer; one that the platform refuses is this upgrade's fault, not the connection's. */
function refusal(head: ResponseHead, body: Uint8Array): Response {
  try {
    return relayedResponse(head, hasBody("GET", head.status) ? body : null);
  } catch {
    return problem("origin_failed");
  }
}
