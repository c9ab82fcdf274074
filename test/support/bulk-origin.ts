/** An origin for bulk: sends what it is asked for, counts and hashes what it gets, echoes WebSocket messages. Fake OpenClaw, named so. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const CHUNK = Buffer.alloc(65_536, "tide");

export interface BulkOrigin {
  port: number;
  /** Bytes of the latest download that were handed to the socket. */
  readonly sent: number;
  stop(): void;
}

export async function startBulkOrigin(): Promise<BulkOrigin> {
  let sent = 0;
  async function download(response: ServerResponse, total: number): Promise<void> {
    sent = 0;
    let wake = () => {};
    response.on("drain", () => wake()).on("close", () => wake());
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": total });
    while (sent < total && !response.destroyed) {
      const chunk = CHUNK.subarray(0, Math.min(CHUNK.byteLength, total - sent));
      sent += chunk.byteLength;
      if (!response.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
    }
    response.end();
  }
  async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
    response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://origin");
    if (request.method === "POST") void upload(request, response).catch(() => response.destroy());
    else if (url.pathname === "/down") void download(response, Number(url.searchParams.get("bytes")));
    else response.end("small");
  });
  const sockets = new WebSocketServer({ server, maxPayload: 26 * 1024 * 1024, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    socket.send("hello");
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get sent() {
      return sent;
    },
    stop() {
      server.closeAllConnections();
      server.close();
      sockets.close();
    },
  };
}
