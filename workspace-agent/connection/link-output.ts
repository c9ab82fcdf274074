/** What leaves a link: frames gathered into batches, bodies in turn while there is room, acknowledgements when due. */
import type { Frame } from "#protocol/frame.ts";
import { AGENT_ACK_DELAY_MS } from "#protocol/limits.ts";
import type { Link } from "#protocol/link.ts";
import { MESSAGE_NUMBERS } from "#protocol/messages.ts";
import type { Clock } from "../clock.ts";
import { Turns } from "../streams/turns.ts";
import { SendWindow } from "./send-window.ts";
import type { Traffic } from "./traffic.ts";

/** Unsent bytes towards the gateway at which bodies wait: a chat message must not queue behind a slow uplink's. */
const MAX_SOCKET_BUFFER_BYTES = 1024 * 1024;
/** A batch is acknowledged whole: on an uplink of 0.5 Mbit/s a larger one would look like silence. */
const BODY_BATCH_BYTES = 256 * 1024;

/** What a link needs of a connection. */
export interface LinkConnection {
  /** Bytes that were sent and have not left this process. */
  readonly bufferedAmount: number;
  /** `written` is called when the message has left the buffer, or never will. */
  send(message: Uint8Array, written: () => void): void;
  close(code: number, reason: string): void;
}

export class LinkOutput {
  readonly turns = new Turns(() => this.#hasRoom());
  readonly #wire: Link;
  readonly #clock: Clock;
  readonly #traffic: Traffic;
  readonly #window = new SendWindow();
  #connection: LinkConnection | null = null;
  #flushDue = false;
  #bodyBytes = 0;
  #cancelAck: (() => void) | null = null;

  constructor(wire: Link, clock: Clock, traffic: Traffic) {
    this.#wire = wire;
    this.#clock = clock;
    this.#traffic = traffic;
  }

  /** The connection in use; null between two. */
  get connection(): LinkConnection | null {
    return this.#connection;
  }

  /** Sends what is not acknowledged again, and then goes on. */
  connect(connection: LinkConnection): void {
    this.#connection = connection;
    // Once a message is written there may be room again for those whose turn was put off.
    const written = () => this.flushSoon();
    let again = true;
    this.#wire.reconnect((message) => {
      this.#stopAck();
      this.#bodyBytes = 0;
      if (message[0] === MESSAGE_NUMBERS.batch) {
        this.#traffic.batches.out += 1;
        if (!again) this.#window.sent(this.#wire.state.sent, message.byteLength, this.#clock.now());
      }
      this.#traffic.bytes.out += message.byteLength;
      connection.send(message, written);
    });
    again = false;
    this.#window.restart();
    this.flush();
  }

  /** From now on frames only queue: they leave, in few batches, when there is a connection again. */
  disconnect(): void {
    this.#connection = null;
    this.#wire.disconnect();
    this.#stopAck();
  }

  queue(frame: Frame): void {
    this.#wire.queue(frame);
    if ("bytes" in frame && typeof frame.bytes !== "number") this.#bodyBytes += frame.bytes.byteLength;
    if (this.#bodyBytes >= BODY_BATCH_BYTES && this.#connection !== null) this.#wire.flush();
    this.flushSoon();
  }

  /** One batch for everything that this turn of the event loop produces. */
  flushSoon(): void {
    if (this.#flushDue || this.#connection === null) return;
    this.#flushDue = true;
    this.#clock.soon(() => {
      this.#flushDue = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#connection === null) return;
    this.#window.acknowledged(this.#wire.state.acknowledged, this.#clock.now());
    this.turns.run();
    this.#wire.flush();
  }

  /** Sends what is queued, bodies left out, or else an acknowledgement of everything applied. */
  flushFrames(): void {
    this.#wire.flush(true);
  }

  /** Has the gateway told within {@link AGENT_ACK_DELAY_MS} of what was applied, unless a batch does it before. */
  ackSoon(): void {
    if (this.#connection === null || this.#wire.state.unackedBatches === 0) return;
    this.#cancelAck ??= this.#clock.after(AGENT_ACK_DELAY_MS, () => {
      this.#cancelAck = null;
      this.flushFrames();
    });
  }

  #hasRoom(): boolean {
    return (
      this.#connection !== null &&
      this.#wire.unacknowledgedBytes <= this.#window.bytes &&
      this.#connection.bufferedAmount <= MAX_SOCKET_BUFFER_BYTES
    );
  }

  #stopAck(): void {
    this.#cancelAck?.();
    this.#cancelAck = null;
  }
}
