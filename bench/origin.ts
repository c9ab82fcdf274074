/** A named fake of OpenClaw for load, a process of its own: small answers, echoes, and bodies of any size. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { startStandInOrigin } from "../test/support/stand-in-origin.ts";
import { USER_HEADER } from "../test/support/local-gateway.ts";

const SMALL = Buffer.from("a small answer of the origin\n");
const CHUNK = Buffer.alloc(65_536, "tide");

async function send(response: ServerResponse, total: number): Promise<void> {
  let wake = () => {};
  response.on("drain", () => wake()).on("close", () => wake());
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": total });
  for (let sent = 0; sent < total && !response.destroyed; sent += CHUNK.byteLength) {
    const chunk = CHUNK.subarray(0, Math.min(CHUNK.byteLength, total - sent));
    if (!response.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
  }
  response.end();
}

function take(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
  request.on("end", () => response.end(String(bytes)));
}

const fake = await startStandInOrigin({
  userHeader: USER_HEADER,
  request(request, response) {
    response.on("error", () => undefined);
    if (request.method === "POST") return take(request, response);
    const bytes = /^\/down\?bytes=(\d+)$/.exec(request.url ?? "")?.[1];
    if (bytes !== undefined) return void send(response, Number(bytes));
    response.setHeader("content-type", "text/plain");
    response.setHeader("content-length", SMALL.byteLength);
    response.end(SMALL);
  },
  socket(socket) {
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    // The agent's 101 waits for a first word.
    socket.send("hello");
  },
});
process.send?.(fake.port);
process.on("disconnect", () => process.exit(0));
