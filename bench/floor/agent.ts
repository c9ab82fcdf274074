/** The floor's agent, a process of its own. Arguments: the edge's port and the origin's. */
import { Agent, type ClientRequest, request } from "node:http";
import WebSocket from "ws";
import { decodeFrame, encodeFrame, encodeWhole, FRAME } from "./frame.ts";

const [edgePort, originPort] = process.argv.slice(2).map(Number);
const SMALL_BYTES = 65_536;
const pool = new Agent({ keepAlive: true });
const decoder = new TextDecoder();
const requests = new Map<number, ClientRequest>();
const sockets = new Map<number, WebSocket>();
const edge = new WebSocket(`ws://127.0.0.1:${edgePort}/agent`, { perMessageDeflate: false });

edge.on("open", () => console.log("connected"));
edge.on("close", () => process.exit(0));
edge.on("message", (data) => {
  const { type, stream, payload } = decodeFrame(data as Buffer);
  if (type === FRAME.open) exchange(stream, payload);
  else if (type === FRAME.upgrade) upgrade(stream, payload);
  else if (type === FRAME.data) requests.get(stream)?.write(payload);
  else if (type === FRAME.end) requests.get(stream)?.end();
  else if (type === FRAME.text) sockets.get(stream)?.send(decoder.decode(payload));
  else if (type === FRAME.binary) sockets.get(stream)?.send(payload);
  else if (type === FRAME.close) sockets.get(stream)?.close();
});

function exchange(stream: number, payload: Uint8Array): void {
  const { method, path, body } = JSON.parse(decoder.decode(payload)) as { method: string; path: string; body: boolean };
  const outgoing = request({ host: "127.0.0.1", port: originPort, method, path, agent: pool });
  outgoing.on("response", (response) => {
    const type = response.headers["content-type"];
    const head = { status: response.statusCode, headers: type === undefined ? {} : { "content-type": type } };
    if (Number(response.headers["content-length"] ?? Infinity) <= SMALL_BYTES) {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => send(FRAME.whole, stream, encodeWhole(head, Buffer.concat(chunks))));
      return;
    }
    send(FRAME.head, stream, Buffer.from(JSON.stringify(head)));
    response.on("data", (chunk: Buffer) => send(FRAME.data, stream, chunk));
    response.on("end", () => send(FRAME.end, stream));
  });
  outgoing.on("close", () => requests.delete(stream));
  requests.set(stream, outgoing);
  if (!body) outgoing.end();
}

function upgrade(stream: number, payload: Uint8Array): void {
  const { path } = JSON.parse(decoder.decode(payload)) as { path: string };
  // OpenClaw's user header makes the origin take it for a person's socket.
  const headers = { "x-test-user": "floor" };
  const socket = new WebSocket(`ws://127.0.0.1:${originPort}${path}`, { perMessageDeflate: false, headers });
  sockets.set(stream, socket);
  socket.on("open", () => send(FRAME.upgrade, stream));
  socket.on("message", (data, isBinary) => send(isBinary ? FRAME.binary : FRAME.text, stream, data as Buffer));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    sockets.delete(stream);
    send(FRAME.close, stream);
  });
}

function send(type: number, stream: number, payload?: Uint8Array): void {
  edge.send(encodeFrame(type, stream, payload));
}
