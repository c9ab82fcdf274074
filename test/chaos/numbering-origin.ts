/** A named fake of OpenClaw: numbers its own messages, judges the browsers', sends and takes bodies with checksums. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import { startStandInOrigin } from "../support/stand-in-origin.ts";
import { USER_HEADER } from "../support/local-gateway.ts";
import type { Chance } from "./chance.ts";
import { type Ledger, type Life, ORIGIN_DONE } from "./ledger.ts";
import { readMessage, sendNumbered } from "./numbered-message.ts";
import { bodyChunks } from "./transfer-body.ts";

/** Now and then the origin is the one that says goodbye. */
const LEAVES_AFTER_MS = [20_000, 200_000] as const;

export interface NumberingOrigin {
  port: number;
  readonly sockets: number;
  readonly requests: number;
  /** The longest that a socket stayed open here after its browser had ended. */
  readonly longestOrphanMs: number;
  /** While set nothing new is sent: what is under way may arrive. */
  hushed: boolean;
  stop(): void;
}

export async function startNumberingOrigin(ledger: Ledger, chance: Chance): Promise<NumberingOrigin> {
  let sockets = 0;
  let requests = 0;
  let longestOrphanMs = 0;

  function serveSocket(socket: WebSocket, life: Life): void {
    sockets += 1;
    const own = chance.fork();
    const stop = sendNumbered(life.id, life.down, own, {
      ready: () => !origin.hushed && socket.readyState === socket.OPEN,
      send: (message) => socket.send(message),
    });
    const leave = setTimeout(
      () => {
        end();
        socket.close(ORIGIN_DONE, "origin done");
      },
      own.between(...LEAVES_AFTER_MS),
    );
    const end = () => {
      clearTimeout(leave);
      stop();
    };
    socket.on("message", (data) => {
      const number = readMessage(life.id, data as Buffer);
      if (number === undefined) ledger.note("corrupted", `socket ${life.id} up`);
      else life.up.receive(number);
    });
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      sockets -= 1;
      end();
      life.originEnd = { code, reason: reason.toString(), at: Date.now() };
      const since = life.left?.at ?? life.browserEnd?.at;
      if (since !== undefined) longestOrphanMs = Math.max(longestOrphanMs, Date.now() - since);
    });
  }

  function serveRequest(request: IncomingMessage, response: ServerResponse): void {
    requests += 1;
    response.on("close", () => (requests -= 1));
    response.on("error", () => undefined);
    if (request.method === "POST") void takeBody(request, response, ledger).catch(() => response.destroy());
    else void sendBody(request, response).catch(() => response.destroy());
  }

  const fake = await startStandInOrigin({
    userHeader: USER_HEADER,
    request: serveRequest,
    socket(socket, request) {
      const life = ledger.lives.get(Number(queryOf(request).get("life")));
      if (life === undefined) socket.terminate();
      else serveSocket(socket, life);
    },
  });
  const origin: NumberingOrigin = {
    hushed: false,
    port: fake.port,
    get sockets() {
      return sockets;
    },
    get requests() {
      return requests;
    },
    get longestOrphanMs() {
      return longestOrphanMs;
    },
    stop: fake.stop,
  };
  return origin;
}

async function sendBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = queryOf(request);
  const bytes = Number(query.get("bytes"));
  let wake = () => {};
  response.on("drain", () => wake()).on("close", () => wake());
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
  for (const chunk of bodyChunks(Number(query.get("transfer")), bytes)) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
  }
  response.end();
}

async function takeBody(request: IncomingMessage, response: ServerResponse, ledger: Ledger): Promise<void> {
  const hash = createHash("sha256");
  const transfer = Number(queryOf(request).get("transfer"));
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    ledger.arrivedAt.set(transfer, Date.now());
  }
  response.end(hash.digest("hex"));
}

function queryOf(request: IncomingMessage): URLSearchParams {
  return new URL(request.url ?? "/", "http://origin").searchParams;
}
