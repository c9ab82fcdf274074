/** The agent's end of an upload as the model plays it: takes the body under credit, and answers how long it was. */
import { ReceiveCredit } from "#protocol/credit.ts";
import { encodeUtf8 } from "#protocol/bytes.ts";
import type { Stream, StreamFrame, StreamPort } from "../../workspace-agent/streams/stream.ts";

export class UploadSink implements Stream {
  readonly ready = false;
  #id: number;
  #port: StreamPort;
  #later: (callback: () => void) => void;
  #credit = new ReceiveCredit();
  #bytes = 0;
  #over = false;

  constructor(id: number, port: StreamPort, later: (callback: () => void) => void) {
    this.#id = id;
    this.#port = port;
    this.#later = later;
  }

  sendSome(): void {}

  receive(frame: StreamFrame): void {
    if (frame.type === "data") this.#take(frame.bytes.byteLength);
    else if (frame.type === "end") this.#later(() => this.#answer());
    else if (frame.type === "reset") {
      this.#over = true;
      this.#port.close();
    }
  }

  abandon(): void {
    this.#over = true;
  }

  stop(): void {
    this.#port.reset("shutting_down");
    this.#over = true;
  }

  /** Granted again when it is written, which is later. */
  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#credit.receive(bytes);
    this.#later(() => {
      const increment = this.#credit.deliver(bytes);
      if (increment > 0 && !this.#over) this.#port.queue({ type: "credit", stream: this.#id, bytes: increment });
    });
  }

  #answer(): void {
    if (this.#over) return;
    const head = { status: 200, headers: [] };
    this.#port.queue({ type: "head", stream: this.#id, head, body: encodeUtf8(String(this.#bytes)), end: true });
    this.#port.close();
  }
}
