/** One HTTP exchange: an http stream on one side, a request to OpenClaw on the other (SPEC.md section 5). */
import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { ReceiveCredit, SendCredit } from "#protocol/credit.ts";
import { ProtocolError, type ResetCode } from "#protocol/errors.ts";
import type { OpenHead } from "#protocol/frame.ts";
import { MAX_CHUNK_BYTES, ORIGIN_HEAD_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Stream, StreamFrame, StreamPort } from "../streams/stream.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { Origin } from "./origin.ts";
import { originFailure } from "./origin-failure.ts";
import { originHeaders } from "./origin-headers.ts";
import { responseHead } from "./response-head.ts";

/** Response bytes held here before the origin is paused: enough to fill a chunk while the next one is read. */
const MAX_HELD_BYTES = 2 * MAX_CHUNK_BYTES;

/** Of status 1xx before the answer. */
const MAX_EARLY_ANSWERS = 20;

export class HttpOrigin implements Stream {
  readonly #id: number;
  readonly #head: OpenHead;
  readonly #origin: Origin;
  readonly #port: StreamPort;
  readonly #inbound = new ReceiveCredit();
  readonly #outbound: SendCredit;
  readonly #held = new ByteQueue();
  /** Body that came in before {@link start}. */
  #early: Uint8Array[] = [];
  #bodyOpen: boolean;
  #request: ClientRequest | null = null;
  #response: IncomingMessage | null = null;
  #headSent = false;
  #responseEnded = false;
  #over = false;
  #headTimer: NodeJS.Timeout | undefined;

  /** Does nothing at the origin before {@link start}. */
  constructor(id: number, head: OpenHead, origin: Origin, port: StreamPort) {
    this.#id = id;
    this.#head = head;
    this.#origin = origin;
    this.#port = port;
    this.#outbound = new SendCredit(head.credit);
    this.#bodyOpen = head.body;
  }

  /** Sends the request. */
  start(): void {
    if (this.#over) return;
    const request_ = this.#connect(this.#isRepeatable ? this.#origin.agent : this.#origin.fresh);
    this.#headTimer = setTimeout(() => this.#fail("origin_timeout"), ORIGIN_HEAD_TIMEOUT_MS);
    for (const bytes of this.#early) this.#write(bytes);
    this.#early = [];
    if (!this.#bodyOpen) request_.end();
    // Sends the head, as `flushHeaders()` would if it did not encode the bytes of its values once more.
    else request_.write("", "latin1");
  }

  #connect(agent: Agent): ClientRequest {
    const { address } = this.#origin;
    const request_ = request({
      host: address.host,
      port: address.port,
      localAddress: address.localAddress,
      agent,
      method: this.#head.method,
      path: this.#head.target,
      // A raw list: Node neither adds, sorts nor joins anything in it.
      headers: [...originHeaders(this.#head, address.userHeader), ...this.#framing()].flat(),
    });
    this.#request = request_;
    let early = 0;
    request_.on("information", () => {
      // They are for nobody here, and nothing else would end them.
      if (++early > MAX_EARLY_ANSWERS && !this.#over) this.#fail("bad_head");
    });
    let readBefore = 0;
    request_.on("socket", (socket) => (readBefore = socket.bytesRead));
    request_.on("response", (response) => this.#respond(response));
    request_.on("upgrade", (_response, socket) => {
      // Nothing that travels here may turn a connection into something else.
      socket.destroy();
      this.#fail("bad_head");
    });
    request_.on("error", (error) => {
      if (this.#over || this.#request !== request_) return;
      // Closed while it lay idle, most likely, and not one byte came back: a read may be asked again, once.
      const unanswered = this.#response === null && request_.socket?.bytesRead === readBefore;
      if (agent === this.#origin.agent && request_.reusedSocket && unanswered) {
        this.#connect(this.#origin.fresh).end();
      } else {
        this.#fail(originFailure(error));
      }
    });
    return request_;
  }

  /** RFC 9110 section 9.2.2, but for what has a body: it has been streamed away. */
  get #isRepeatable(): boolean {
    return !this.#head.body && (this.#head.method === "GET" || this.#head.method === "HEAD");
  }

  /** Ends the stream with a reset before or instead of an exchange. */
  refuse(code: ResetCode): void {
    this.#fail(code);
  }

  get ready(): boolean {
    if (!this.#headSent || this.#over) return false;
    return this.#held.byteLength > 0 ? this.#outbound.available > 0 : this.#responseEnded;
  }

  sendSome(limitBytes: number): void {
    const bytes = this.#held.take(Math.min(limitBytes, this.#outbound.available));
    if (bytes.byteLength > 0) {
      this.#outbound.spend(bytes.byteLength);
      this.#port.queue({ type: "data", stream: this.#id, bytes });
    }
    if (this.#held.byteLength === 0 && this.#responseEnded) {
      this.#port.queue({ type: "end", stream: this.#id });
      this.#finish();
    } else if (this.#held.byteLength < MAX_HELD_BYTES) {
      this.#response?.resume();
    }
  }

  receive(frame: StreamFrame): void {
    switch (frame.type) {
      case "data":
        if (!this.#bodyOpen) throw new ProtocolError("illegal_step", { stream: this.#id });
        this.#inbound.receive(frame.bytes.byteLength);
        if (this.#request === null) this.#early.push(frame.bytes);
        else this.#write(frame.bytes);
        return;
      case "end":
        if (!this.#bodyOpen) throw new ProtocolError("illegal_step", { stream: this.#id });
        this.#bodyOpen = false;
        this.#request?.end();
        return;
      case "credit":
        this.#outbound.grant(frame.bytes);
        return;
      case "reset":
        this.#port.close();
        this.abandon();
        return;
      default:
        throw new ProtocolError("illegal_step", { stream: this.#id });
    }
  }

  abandon(): void {
    this.#over = true;
    clearTimeout(this.#headTimer);
    // Destroys the connection too: one that was left half-way is never used again.
    this.#request?.destroy();
  }

  stop(): void {
    this.#fail("shutting_down");
  }

  #framing(): [string, string][] {
    if (this.#head.body) return [["Transfer-Encoding", "chunked"]];
    return this.#head.method === "GET" || this.#head.method === "HEAD" ? [] : [["Content-Length", "0"]];
  }

  #write(bytes: Uint8Array): void {
    this.#request?.write(bytes, (error) => {
      if (error || this.#over) return;
      this.#headTimer?.refresh();
      const increment = this.#inbound.deliver(bytes.byteLength);
      if (increment > 0) this.#port.queue({ type: "credit", stream: this.#id, bytes: increment });
    });
  }

  #respond(response: IncomingMessage): void {
    if (this.#over) return;
    clearTimeout(this.#headTimer);
    this.#origin.health.report(true);
    const head = responseHead(response.statusCode ?? 0, response.rawHeaders);
    if (head === null) {
      this.#fail("bad_head");
      return;
    }
    this.#response = response;
    response.on("data", (chunk: Buffer) => {
      this.#held.push(chunk);
      if (this.#held.byteLength >= MAX_HELD_BYTES) response.pause();
      if (this.#headSent) this.#port.wake();
    });
    response.on("end", () => {
      this.#responseEnded = true;
      if (this.#headSent) this.#port.wake();
    });
    response.on("error", () => this.#fail("origin_failed"));
    // What the origin wrote together has been parsed by then: a small response travels as one frame.
    setImmediate(() => {
      if (this.#over) return;
      const body = this.#held.take(Math.min(MAX_CHUNK_BYTES, this.#outbound.available));
      const end = this.#responseEnded && this.#held.byteLength === 0;
      this.#outbound.spend(body.byteLength);
      this.#headSent = true;
      this.#port.queue({ type: "head", stream: this.#id, head, body, end });
      if (end) this.#finish();
      else this.#port.wake();
    });
  }

  #fail(code: ResetCode): void {
    if (this.#over) return;
    if (code === "origin_unreachable") this.#origin.health.report(false);
    this.#port.reset(code);
    this.abandon();
  }

  /** The response is complete. A request that is not stays unfinished: the origin did not want the rest. */
  #finish(): void {
    this.#port.close();
    this.#over = true;
    if (this.#bodyOpen) this.#request?.destroy();
  }
}
