/** What a browser said before it left, still on its way to OpenClaw: the CLOSE follows when all of it is sent. */
import type { Close } from "#protocol/close-codes.ts";
import { RESET_CODES } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import type { AgentLink, StreamSink } from "../tunnel/agent-link.ts";
import type { InboundSender } from "./inbound-sender.ts";

/** An OpenClaw that takes nothing for so long will not take the rest. */
const WAIT_MS = 30_000;

export class LastWords implements StreamSink {
  #link: AgentLink;
  #stream: number;
  #inbound: InboundSender;
  #close: Close;
  #over = false;
  #timer: ReturnType<typeof setTimeout>;

  /** Takes over the stream; its timer also keeps the object from forgetting it. */
  constructor(link: AgentLink, stream: number, inbound: InboundSender, close: Close) {
    this.#link = link;
    this.#stream = stream;
    this.#inbound = inbound;
    this.#close = close;
    this.#timer = setTimeout(() => this.#giveUp(), WAIT_MS);
    link.adopt(stream, this);
    inbound.handOver({ queued: () => {}, changed: () => this.#closeWhenSent() });
    inbound.run();
  }

  receive(frame: Frame): void {
    if (frame.type === "credit") this.#inbound.grant(frame.bytes);
    else if (frame.type === "close" || frame.type === "reset") this.#end();
    // Nobody reads anything else any more.
  }

  lost(): void {
    this.#end();
  }

  #closeWhenSent(): void {
    if (this.#over || this.#inbound.busy) return;
    this.#link.queue({ type: "close", stream: this.#stream, ...this.#close });
    this.#end();
  }

  #giveUp(): void {
    if (this.#over) return;
    this.#link.queue({ type: "reset", stream: this.#stream, code: RESET_CODES.cancelled });
    this.#end();
    this.#link.flush();
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#inbound.drop();
    this.#link.release(this.#stream);
  }
}
