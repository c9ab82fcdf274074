/** WebSockets: echoes in a closed loop, and many that only stay open. */
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { type Address, type Closings, type Rate, rateOf } from "./job.ts";

const WARM_UP_SHARE = 0.2;
const OPEN_AT_ONCE = 20;

const kept = new Set<WebSocket>();
/** Have had a close frame, and wait for their connection to end. */
const closing = new Set<WebSocket>();

/** Opens a socket and waits for the origin's first word. */
function openSocket(address: Address, at: number): Promise<WebSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const cookie = address.cookies[at % address.cookies.length] ?? "";
  const headers = { host: address.host, origin: `http://${address.host}`, cookie };
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}/chat`, { headers, perMessageDeflate: false });
  socket.on("unexpected-response", (_request, response) =>
    reject(new Error(`upgrade answered ${response.statusCode}`)),
  );
  socket.on("error", reject);
  socket.once("message", () => resolve(socket));
  return promise;
}

/** Echoes with so many messages under way. */
export async function loadEchoes(address: Address, bytes: number, inFlight: number, durationMs: number): Promise<Rate> {
  const socket = await openSocket(address, 0);
  const message = requestOf(bytes);
  const latencies: number[] = [];
  const sentAt: number[] = [];
  let errors = 0;
  const began = performance.now();
  const from = began + durationMs * WARM_UP_SHARE;
  const until = began + durationMs;
  const { promise, resolve } = Promise.withResolvers<void>();
  const send = () => {
    sentAt.push(performance.now());
    socket.send(message);
  };
  let head = 0;
  socket.on("message", (data: Buffer) => {
    const now = performance.now();
    const sent = sentAt[head++] ?? now;
    if (data.byteLength !== bytes) errors += 1;
    else if (sent >= from) latencies.push(now - sent);
    if (now < until) send();
    else if (head === sentAt.length) resolve();
  });
  socket.on("close", () => resolve());
  for (let at = 0; at < inFlight; at++) send();
  await promise;
  socket.terminate();
  return rateOf(latencies, errors, (until - from) / 1000);
}

/** @returns a request that the agent's method gate lets pass, of so many bytes */
function requestOf(bytes: number): string {
  const [head, tail] = ['{"type":"req","id":"1","method":"health","params":"', '"}'];
  return head + "m".repeat(bytes - head.length - tail.length) + tail;
}

/** Opens more sockets to keep, all of them watched. */
export async function openIdle(address: Address, sockets: number): Promise<number> {
  for (let at = 0; at < sockets; at += OPEN_AT_ONCE) {
    const count = Math.min(OPEN_AT_ONCE, sockets - at);
    const opened = await Promise.all(Array.from({ length: count }, (_, other) => openSocket(address, at + other)));
    for (const socket of opened) kept.add(socket);
  }
  return kept.size;
}

/**
 * Waits until every kept socket was closed by the other side. Counted is the close frame, after which nothing is said
 * any more: workerd may leave the TCP connection open for seconds after it, and `ws` tells of the end only then.
 * @returns when each was closed, as milliseconds since the epoch
 */
export async function watchClosings(waitMs: number): Promise<Closings> {
  const at: number[] = [];
  let ended = 0;
  for (const socket of kept) socket.once("close", () => (ended += 1));
  for (const until = performance.now() + waitMs; kept.size > 0 && performance.now() < until; await sleep(1)) {
    for (const socket of kept) {
      if (socket.readyState === WebSocket.OPEN) continue;
      at.push(performance.timeOrigin + performance.now());
      kept.delete(socket);
      closing.add(socket);
    }
  }
  return { at, ended };
}

export async function closeIdle(): Promise<number> {
  const open = [...kept];
  kept.clear();
  for (const socket of open) {
    socket.close(1000);
    await new Promise((resolve) => socket.once("close", resolve));
  }
  for (const socket of closing) socket.terminate();
  closing.clear();
  return open.length;
}
