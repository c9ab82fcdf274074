/** Bytes that no origin should answer with, on its bare socket. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { RESET_CODES } from "#protocol/errors.ts";
import { ORIGIN_HEAD_TIMEOUT_MS } from "#protocol/limits.ts";
import { openHead, Peer } from "./support/peer.ts";

let server: Server | undefined;
let peer: Peer;
let sockets: Socket[] = [];

/** @param asked is called at each request, none of which has a body */
async function serve(asked: (socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).on("data", () => asked(socket));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  peer = new Peer((server.address() as AddressInfo).port);
}

afterEach(() => {
  vi.useRealTimers();
  peer.close();
  for (const socket of sockets) socket.destroy();
  sockets = [];
  server?.close();
});

test("an origin that sends early answers without end resets the stream, and is left", async () => {
  const left = Promise.withResolvers<void>();
  await serve((socket) => {
    socket.on("close", () => left.resolve());
    const more = () => {
      while (!socket.destroyed && socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"));
    };
    socket.on("drain", more);
    more();
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  expect((await peer.next("reset")).code).toBe(RESET_CODES.bad_head);
  await left.promise;
});

test("an origin that lets its head trickle in has as long as one that says nothing", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const left = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<Socket>();
  await serve((socket) => {
    socket.on("close", () => left.resolve());
    socket.write("HTTP/1.1 200 OK\r\n", () => begun.resolve(socket));
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  const socket = await begun.promise;
  vi.advanceTimersByTime(ORIGIN_HEAD_TIMEOUT_MS - 1);
  await new Promise<void>((resolve) => socket.write("A: b\r\n", () => resolve()));
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  expect((await peer.next("reset")).code).toBe(RESET_CODES.origin_timeout);
  await left.promise;
});

test.each([
  ["a 204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nstolen", null],
  ["a 304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nstolen", null],
  [
    "trailers that are cookies",
    "HTTP/1.1 200 OK\r\nTrailer: Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie: a=stolen\r\n\r\n",
    200,
  ],
  [
    "an offer to speak something else",
    "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
    200,
  ],
])("%s is a head at most, and nobody else's answer", async (_name, bytes, status) => {
  let asked = 0;
  // What comes next is answered as if nothing had been wrong.
  await serve((socket) => {
    asked += 1;
    socket.write(asked === 1 ? bytes : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown");
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  if (status === null) expect((await peer.next("reset", 1)).code).toBe(RESET_CODES.origin_failed);
  else {
    const { head, body, end } = await peer.next("head", 1);
    expect([head.status, body.byteLength, end]).toEqual([status, 0, true]);
    expect(JSON.stringify(head)).not.toMatch(/stolen|upgrade|trailer/i);
  }
  peer.send({ type: "open", stream: 2, head: openHead() });
  expect(Buffer.from((await peer.next("head", 2)).body).toString()).toBe("own");
});

test("an HTTP/1.0 origin that ends its body by closing is relayed to its end", async () => {
  await serve((socket) => void socket.end("HTTP/1.0 200 OK\r\n\r\nold"));
  peer.send({ type: "open", stream: 1, head: openHead() });
  const head = await peer.next("head");
  expect(Buffer.from(head.body).toString()).toBe("old");
  if (!head.end) await peer.next("end");
});

test.each([
  ["trailers", "0\r\n", "A: bbbbbbbbbbbbbbbb\r\n"],
  ["a chunk's extension", "1", ";aaaaaaaaaaaaaaaa=b"],
])("%s without end end the exchange", async (_name, begin, piece) => {
  const left = Promise.withResolvers<void>();
  await serve((socket) => {
    socket.on("close", () => left.resolve());
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${begin}`);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    more();
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  expect((await peer.next("reset")).code).toBe(RESET_CODES.origin_failed);
  await left.promise;
});
