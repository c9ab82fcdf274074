/** An origin that writes down what it gets and answers as the test says. Fake OpenClaw, named so. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came in. */
export interface Recorded {
  method: string;
  /** The request target, byte for byte. */
  target: string;
  /** Names and values in turn, in order, latin1. */
  rawHeaders: string[];
  /** Source address. */
  from: string;
  /** Which of the origin's connections it came on, counted from 1. */
  connection: number;
  /** The whole body; rejects when the sender breaks off, unless it has been answered by then. */
  body: Promise<Buffer>;
  /** The connection is closed. */
  closed: Promise<unknown>;
}

/** Answers one recorded request. May speak to `request.socket` itself, to be no HTTP server at all. */
export type Answer = (request: IncomingMessage, response: ServerResponse, recorded: Recorded) => void;

export interface RecordingOrigin {
  readonly port: number;
  /** Every request since the start. */
  readonly recorded: Recorded[];
  /** Registers how requests are answered whose target holds `key`; returns what came under it so far, live. */
  script(key: string, answer: Answer): Recorded[];
  stop(): void;
}

export async function startRecordingOrigin(): Promise<RecordingOrigin> {
  const recorded: Recorded[] = [];
  const scripts = new Map<string, { answer: Answer; recorded: Recorded[] }>();
  const connections = new WeakMap<object, number>();
  const closed = new WeakMap<object, Promise<unknown>>();
  let opened = 0;
  const server = createServer({ highWaterMark: 65_536 }, (request, response) => {
    const one: Recorded = {
      method: request.method ?? "",
      target: request.url ?? "",
      rawHeaders: request.rawHeaders,
      from: request.socket.remoteAddress ?? "",
      connection: connections.get(request.socket) ?? 0,
      body: wholeBody(request),
      closed: closed.get(request.socket) ?? Promise.reject(new Error("unknown connection")),
    };
    recorded.push(one);
    const key = /key-[a-z0-9]+-/.exec(one.target)?.[0] ?? "";
    const script = scripts.get(key);
    script?.recorded.push(one);
    if (script === undefined) response.end("unscripted");
    else script.answer(request, response, one);
  });
  server.on("connection", (socket) => {
    connections.set(socket, ++opened);
    closed.set(socket, new Promise((resolve) => socket.on("close", resolve)));
    socket.on("error", () => socket.destroy());
  });
  // Idle connections stay: which side closes one is the test's to say.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    recorded,
    script(key, answer) {
      const script = { answer, recorded: [] as Recorded[] };
      scripts.set(key, script);
      return script.recorded;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function wholeBody(request: IncomingMessage): Promise<Buffer> {
  const body = collect(request);
  // Nobody may be waiting for it.
  body.catch(() => undefined);
  return body;
}
