/**
 * One HTTP exchange: request body up and response body down, both under credit. It lives in memory only:
 * its pending request keeps the object awake (facts/workers section 3.1).
 */
import { SendCredit } from "#protocol/credit.ts";
import { ProtocolError, RESET_CODES, resetName, type ResetCode } from "#protocol/errors.ts";
import type { Frame, OpenHead, ResponseHead } from "#protocol/frame.ts";
import { MAX_CHUNK_BYTES } from "#protocol/limits.ts";
import type { Owner } from "./upgrade.ts";
import { problem, RESET_PROBLEMS } from "../problem.ts";
import type { AgentLink, StreamSink } from "../tunnel/agent-link.ts";
import { announcedLength, hasBody, relayedResponse } from "./response.ts";

export class HttpRelay implements StreamSink {
  readonly session: string;
  readonly person: string;
  #link: AgentLink;
  #head: OpenHead;
  #stream = 0;
  #done: (relay: HttpRelay) => void;
  #response = Promise.withResolvers<Response>();
  #answered = false;
  #over = false;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #received = 0;
  #windowBytes: number;
  #granted: number;
  #bodyBytes = 0;
  #maxBodyBytes: number;
  #credit = new SendCredit();
  #creditCame: (() => void) | undefined;
  #roomCame: (() => void) | undefined;
  #upload: ReadableStreamBYOBReader | undefined;

  constructor(link: AgentLink, owner: Owner, head: OpenHead, maxBodyBytes: number, done: (relay: HttpRelay) => void) {
    this.#link = link;
    this.session = owner.session;
    this.person = owner.person;
    this.#head = head;
    this.#maxBodyBytes = maxBodyBytes;
    this.#windowBytes = this.#granted = head.credit;
    this.#done = done;
  }

  /** Opens the exchange. @returns the response when its head is here; the body follows as it is read */
  start(body: ReadableStream | null, signal: AbortSignal): Promise<Response> {
    const stream = this.#link.open(this);
    if (stream === undefined) {
      this.#finish();
      return Promise.resolve(problem("too_many_streams", 2_000));
    }
    this.#stream = stream;
    this.#link.queue({ type: "open", stream, head: this.#head });
    this.#link.flush();
    signal.addEventListener("abort", () => this.cancel("cancelled"));
    if (body !== null) void this.#sendBody(body);
    return this.#response.promise;
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case "head":
        if (this.#answered) throw new ProtocolError("illegal_step", { frame: frame.type });
        this.#answer(frame.head, frame.body, frame.end);
        return;
      case "data":
        this.#data(frame.bytes);
        return;
      case "end":
        if (this.#body === undefined) throw new ProtocolError("illegal_step", { frame: frame.type });
        this.#body.close();
        this.#finish();
        return;
      case "reset":
        this.#fail(resetName(frame.code));
        return;
      case "credit":
        this.#credit.grant(frame.bytes);
        this.#creditCame?.();
        return;
      default:
        throw new ProtocolError("illegal_step", { frame: frame.type });
    }
  }

  lost(): void {
    this.#fail("link_lost");
  }

  /** Ends the exchange from this side; the origin's request is aborted. */
  cancel(code: ResetCode): void {
    if (this.#over) return;
    this.#link.queue({ type: "reset", stream: this.#stream, code: RESET_CODES[code] });
    this.#fail(code);
    this.#link.flush();
  }

  #answer(head: ResponseHead, first: Uint8Array, end: boolean): void {
    this.#answered = true;
    const bodyless = !hasBody(this.#head.method, head.status);
    try {
      if (end) {
        this.#response.resolve(relayedResponse(head, bodyless ? null : first));
        this.#finish();
        return;
      }
      if (bodyless) throw new TypeError("a response without a body must end with its head");
      const body = new ReadableStream<Uint8Array>(
        {
          ...announcedLength(head),
          start: (controller) => {
            this.#body = controller;
          },
          pull: () => this.#grant(),
          cancel: () => this.cancel("cancelled"),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: this.#windowBytes }),
      );
      this.#response.resolve(relayedResponse(head, body));
      if (first.byteLength > 0) this.#data(first);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      // A status or header that the platform refuses: this stream's fault, not the connection's.
      this.#answered = false;
      this.cancel("bad_head");
    }
  }

  #data(bytes: Uint8Array): void {
    if (this.#body === undefined) throw new ProtocolError("illegal_step", { frame: "data" });
    if (bytes.byteLength === 0) return;
    if (this.#granted <= this.#received) throw new ProtocolError("credit_exceeded", { bytes: bytes.byteLength });
    this.#received += bytes.byteLength;
    // A small view would keep its whole batch in memory for as long as it waits to be read.
    if (bytes.byteLength < bytes.buffer.byteLength / 2) bytes = bytes.slice();
    this.#body.enqueue(bytes);
  }

  /** Called when the queue is below its mark: what is above it has been read, and is granted again. */
  #grant(): void {
    if (this.#over || this.#body === undefined) return;
    const queued = this.#windowBytes - (this.#body.desiredSize ?? this.#windowBytes);
    const increment = this.#received - queued + this.#windowBytes - this.#granted;
    if (increment < this.#windowBytes / 2) return;
    this.#granted += increment;
    this.#link.queue({ type: "credit", stream: this.#stream, bytes: increment });
    this.#link.flush();
  }

  async #sendBody(body: ReadableStream): Promise<void> {
    const reader = body.getReader({ mode: "byob" });
    this.#upload = reader;
    let buffer = new ArrayBuffer(MAX_CHUNK_BYTES);
    try {
      while (!this.#over) {
        const { value, done } = await reader.read(new Uint8Array(buffer));
        if (done || value === undefined) break;
        while (this.#credit.available <= 0 && !this.#over) {
          await new Promise<void>((resolve) => (this.#creditCame = resolve));
        }
        while (!this.#link.hasRoom && !this.#over) {
          await new Promise<void>((resolve) => {
            this.#roomCame = resolve;
            this.#link.whenRoom(resolve);
          });
        }
        if (this.#over) return;
        this.#bodyBytes += value.byteLength;
        // One that said its length was refused before; the client of any other hears it now.
        if (this.#bodyBytes > this.#maxBodyBytes) return this.cancel("too_large");
        this.#credit.spend(value.byteLength);
        this.#link.queue({ type: "data", stream: this.#stream, bytes: value });
        this.#link.flush();
        buffer = value.buffer as ArrayBuffer;
      }
      if (this.#over) return;
      this.#link.queue({ type: "end", stream: this.#stream });
      this.#link.flush();
    } catch {
      // The browser went away in mid-upload.
      this.cancel("cancelled");
    }
  }

  #fail(code: ResetCode): void {
    if (this.#over) return;
    if (!this.#answered) this.#response.resolve(problem(RESET_PROBLEMS[code], code === "link_lost" ? 0 : 2_000));
    else {
      try {
        this.#body?.error(new Error(code));
      } catch {
        // Already closed or cancelled by its reader.
      }
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#link.release(this.#stream);
    this.#creditCame?.();
    this.#roomCame?.();
    // An early response leaves the rest of the upload unread; the client is told by the closed exchange.
    void this.#upload?.cancel().catch(() => undefined);
    this.#done(this);
  }
}
