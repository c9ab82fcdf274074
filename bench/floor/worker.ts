/** The naive floor: a first attempt at the same path, with nothing that protects anybody. What Tidegate is measured by. */
import { DurableObject } from "cloudflare:workers";
import { decodeFrame, decodeWhole, encodeFrame, FRAME } from "./frame.ts";

interface Env {
  FLOOR: DurableObjectNamespace<FloorObject>;
}

interface Head {
  status: number;
  headers: Record<string, string>;
}

interface Stream {
  answer: PromiseWithResolvers<Response>;
  body?: ReadableStreamDefaultController<Uint8Array>;
  socket?: WebSocket;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FloorObject extends DurableObject<Env> {
  #agent: WebSocket | undefined;
  #streams = new Map<number, Stream>();
  #next = 1;

  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/agent") return this.#connectAgent();
    const agent = this.#agent;
    if (agent === undefined) return new Response("no agent", { status: 503 });
    const id = this.#next++;
    const stream: Stream = { answer: Promise.withResolvers() };
    this.#streams.set(id, stream);
    const head = { method: request.method, path: url.pathname + url.search, body: request.body !== null };
    const upgrade = request.headers.get("upgrade") === "websocket";
    agent.send(encodeFrame(upgrade ? FRAME.upgrade : FRAME.open, id, encoder.encode(JSON.stringify(head))));
    if (request.body !== null) await this.#sendBody(agent, id, request.body);
    return stream.answer.promise;
  }

  async #sendBody(agent: WebSocket, id: number, body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of body) agent.send(encodeFrame(FRAME.data, id, chunk));
    agent.send(encodeFrame(FRAME.end, id));
  }

  #connectAgent(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = "arraybuffer";
    server.addEventListener("message", ({ data }) => this.#fromAgent(new Uint8Array(data as ArrayBuffer)));
    this.#agent = server;
    return new Response(null, { status: 101, webSocket: client });
  }

  #fromAgent(message: Uint8Array): void {
    const { type, stream: id, payload } = decodeFrame(message);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    switch (type) {
      case FRAME.whole: {
        const { head, body } = decodeWhole<Head>(payload);
        this.#streams.delete(id);
        stream.answer.resolve(new Response(body as Uint8Array<ArrayBuffer>, head));
        return;
      }
      case FRAME.head: {
        const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream.body = controller) });
        stream.answer.resolve(new Response(body, JSON.parse(decoder.decode(payload)) as Head));
        return;
      }
      case FRAME.data:
        stream.body?.enqueue(payload);
        return;
      case FRAME.end:
        this.#streams.delete(id);
        stream.body?.close();
        return;
      case FRAME.upgrade:
        this.#accept(id, stream);
        return;
      case FRAME.text:
        stream.socket?.send(decoder.decode(payload));
        return;
      case FRAME.binary:
        stream.socket?.send(payload);
        return;
      case FRAME.close:
        this.#streams.delete(id);
        stream.socket?.close();
        return;
    }
  }

  #accept(id: number, stream: Stream): void {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = "arraybuffer";
    stream.socket = server;
    server.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#agent?.send(encodeFrame(FRAME.text, id, encoder.encode(data)));
      else this.#agent?.send(encodeFrame(FRAME.binary, id, new Uint8Array(data as ArrayBuffer)));
    });
    server.addEventListener("close", () => {
      this.#streams.delete(id);
      this.#agent?.send(encodeFrame(FRAME.close, id));
    });
    stream.answer.resolve(new Response(null, { status: 101, webSocket: client }));
  }
}

export default {
  fetch(request, env): Promise<Response> {
    return env.FLOOR.getByName("floor").fetch(request);
  },
} satisfies ExportedHandler<Env>;
