/** Sends a browser's messages on, as credit and the link's room allow. */
import type { MessageKind } from "#protocol/frame.ts";
import type { AgentLink } from "../tunnel/agent-link.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { type Accepted, InboundQueue } from "./inbound-queue.ts";

export interface InboundEvents {
  /** A frame went into the batch of this number. */
  queued(batch: number): void;
  /** Something was sent, or waits: what is remembered of it has changed. */
  changed(): void;
}

export class InboundSender {
  #link: AgentLink;
  #stream: number;
  #queue: InboundQueue;
  #events: InboundEvents;
  #waitsForRoom = false;
  #dropped = false;

  constructor(link: AgentLink, stream: number, credit: number, budget: ByteBudget, events: InboundEvents) {
    this.#link = link;
    this.#stream = stream;
    this.#queue = new InboundQueue(stream, credit, budget);
    this.#events = events;
  }

  get credit(): number {
    return this.#queue.credit;
  }

  /** True while something waits: it lives in memory only. */
  get busy(): boolean {
    return this.#queue.busy;
  }

  push(kind: MessageKind, bytes: Uint8Array): Accepted {
    const accepted = this.#queue.push(kind, bytes);
    if (accepted === "ok") this.run();
    return accepted;
  }

  grant(bytes: number): void {
    this.#queue.grant(bytes);
    this.run();
  }

  run(): void {
    if (this.#dropped) return;
    while (this.#link.hasRoom) {
      const frame = this.#queue.next();
      if (frame === undefined) break;
      this.#events.queued(this.#link.queue(frame));
    }
    if (this.#queue.ready && !this.#waitsForRoom) {
      this.#waitsForRoom = true;
      this.#link.whenRoom(() => {
        this.#waitsForRoom = false;
        this.run();
      });
    }
    this.#link.keepAwake(this.#stream, this.#queue.busy);
    this.#events.changed();
  }

  /** From now on somebody else wants to know. */
  handOver(events: InboundEvents): void {
    this.#events = events;
  }

  /** The stream is over; what waited is dropped. */
  drop(): void {
    this.#dropped = true;
    this.#queue.drop();
  }
}
