import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { RESET_CODES } from "#protocol/errors.ts";
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";
import { openHead, Peer } from "./support/peer.ts";

const MIB = 1024 * 1024;
let peer: Peer;
let stop: () => void;

/** Starts an origin that hands over its sockets, and says `hello` first unless told otherwise. */
async function serve(connected: (socket: WebSocket, request: IncomingMessage) => void): Promise<void> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 26 * MIB });
  sockets.on("connection", connected);
  await listen(server);
  stop = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  peer = new Peer((server.address() as AddressInfo).port);
  stop = () => server.close();
}

function open(fields: Parameters<typeof openHead>[0] = {}): void {
  peer.send({ type: "open", stream: 1, head: openHead({ kind: "ws", ...fields }) });
}

afterEach(() => {
  peer.close();
  stop();
});

test("the acceptance and the origin's first message travel in one batch", async () => {
  await serve((socket) => socket.send("challenge"));
  open();
  await peer.next("text");
  expect(peer.batches[0]?.map((frame) => frame.type)).toEqual(["accepted", "text"]);
});

test("the upgrade carries the raw target, our headers, the origin and the subprotocol", async () => {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  await serve((socket, request) => {
    resolve(request);
    socket.send("x");
  });
  const headers: [string, string][] = [
    ["Origin", "https://gw.example"],
    ["Sec-WebSocket-Protocol", "one, two"],
    ["Sec-WebSocket-Key", "attacker"],
    ["x-user", "evil@example.com"],
  ];
  open({ target: '/ws?a="b"', headers });
  expect((await peer.next("accepted")).protocol).toBe("one");
  const request = await promise;
  expect(request.url).toBe('/ws?a="b"');
  expect(request.socket.remoteAddress).toBe("127.77.0.1");
  expect(request.headers["x-user"]).toBe("alice@example.com");
  expect(request.headers["x-openclaw-scopes"]).toBe("operator.read,operator.write");
  expect(request.headers.origin).toBe("https://gw.example");
  expect(request.headers["sec-websocket-extensions"]).toBeUndefined();
});

test("a worker socket is accepted before it says anything", async () => {
  await serve(() => {});
  open({ target: "/__openclaw__/worker", routeClass: "worker" });
  await peer.next("accepted");
});

test("messages go both ways in order, with kind kept", async () => {
  await serve((socket) => {
    socket.send("hello");
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  open();
  await peer.next("accepted");
  await peer.next("text");
  peer.send(
    { type: "text", stream: 1, bytes: Buffer.from("ä") },
    { type: "binary", stream: 1, bytes: Buffer.from([0]) },
  );
  expect(Buffer.from((await peer.next("text")).bytes).toString()).toBe("ä");
  expect([...(await peer.next("binary")).bytes]).toEqual([0]);
});

test("messages stop at the credit, the origin is paused, and no byte is lost", async () => {
  const count = 400;
  const message = (number: number) => Buffer.alloc(16 * 1024, number);
  await serve((socket) => {
    for (let number = 0; number < count; number++) socket.send(message(number));
  });
  open();
  let credit = INITIAL_CREDIT_BYTES;
  for (let number = 0; number < count; number++) {
    if (credit <= 0) {
      peer.send({ type: "credit", stream: 1, bytes: 70_000 });
      credit += 70_000;
    }
    const { bytes } = await peer.next("binary");
    expect(Buffer.from(bytes).equals(message(number))).toBe(true);
    credit -= bytes.byteLength;
    // One message may overdraw, and none may follow it.
    expect(credit).toBeGreaterThan(-16 * 1024);
  }
});

test("a message of 20 MiB is offered, pulled, started again on a new attempt, and arrives byte for byte", async () => {
  const large = randomBytes(20 * MIB);
  await serve((socket) => {
    socket.send("first");
    socket.send(large);
    socket.send("after");
  });
  open();
  const offer = await peer.next("offer");
  expect(offer).toMatchObject({ kind: "binary", bytes: large.byteLength });
  peer.send({ type: "take", stream: 1, attempt: 1 });
  await peer.next("part");
  peer.send({ type: "take", stream: 1, attempt: 2 });
  const hash = createHash("sha256");
  for (let received = 0; received < large.byteLength;) {
    const part = await peer.next("part");
    if (part.attempt === 1) continue;
    expect(part.offset).toBe(received);
    hash.update(part.bytes);
    received += part.bytes.byteLength;
  }
  expect(hash.digest("hex")).toBe(createHash("sha256").update(large).digest("hex"));
  expect(peer.inbox.frames.filter((frame) => frame.type === "text")).toHaveLength(1);
  peer.send({ type: "taken", stream: 1 });
  expect(Buffer.from((await peer.next("text")).bytes).toString()).toBe("after");
});

test("a browser message in pieces reaches the origin as one message of 24 MiB", async () => {
  const large = randomBytes(24 * MIB);
  const { promise, resolve } = Promise.withResolvers<{ data: Buffer; isBinary: boolean }>();
  await serve((socket) => {
    socket.send("hello");
    socket.on("message", (data, isBinary) => resolve({ data: data as Buffer, isBinary }));
  });
  open();
  await peer.next("accepted");
  let credit = INITIAL_CREDIT_BYTES;
  for (let offset = 0; offset < large.byteLength; offset += 64 * 1024) {
    const bytes = large.subarray(offset, offset + 64 * 1024);
    while (credit < bytes.byteLength) credit += (await peer.next("credit")).bytes;
    peer.send({ type: "piece", stream: 1, kind: "binary", total: large.byteLength, offset, bytes });
    credit -= bytes.byteLength;
  }
  const { data, isBinary } = await promise;
  expect(isBinary).toBe(true);
  expect(data.equals(large)).toBe(true);
});

test("a close of the origin comes after its last message, with code and reason", async () => {
  await serve((socket) => {
    socket.send("last");
    socket.close(4003, "bye");
  });
  open();
  await peer.next("text");
  expect(await peer.next("close")).toMatchObject({ code: 4003, reason: "bye" });
  expect(peer.streams.size).toBe(0);
});

test("a close of the browser reaches the origin with code and reason", async () => {
  const { promise, resolve } = Promise.withResolvers<[number, string]>();
  await serve((socket) => {
    socket.send("hello");
    socket.on("close", (code, reason) => resolve([code, reason.toString()]));
  });
  open();
  await peer.next("text");
  peer.send({ type: "close", stream: 1, code: 4004, reason: "done" });
  expect(await promise).toEqual([4004, "done"]);
});

test("a lost connection ends the origin's socket", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  await serve((socket) => {
    socket.send("hello");
    socket.on("close", resolve);
  });
  open();
  await peer.next("text");
  peer.streams.abandonAll();
  expect(await promise).toBe(1001);
});

test("a stop of this process sends the browser away with 1012, and closes the origin's socket with 1001", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  await serve((socket) => {
    socket.send("hello");
    socket.on("close", resolve);
  });
  open();
  await peer.next("text");
  peer.streams.stopAll();
  expect(await peer.next("close")).toMatchObject({ code: 1012, reason: "restarting" });
  expect(await promise).toBe(1001);
  expect(peer.streams.size).toBe(0);
});

test("a stop is told to OpenClaw's own clients in OpenClaw's words, before the close", async () => {
  await serve((socket) => socket.send('{"type":"event","event":"connect.challenge","payload":{"nonce":"n"}}'));
  open();
  await peer.next("text");
  peer.streams.stopAll();
  const notice = JSON.parse(Buffer.from((await peer.next("text")).bytes).toString()) as object;
  expect(notice).toMatchObject({ type: "event", event: "shutdown", payload: { restartExpectedMs: 5_000 } });
  expect(await peer.next("close")).toMatchObject({ code: 1012 });
});

test.each([
  ["something else first", (socket: WebSocket) => socket.send("RFB 003.008")],
  [
    "the challenge as bytes",
    (socket: WebSocket) => socket.send(Buffer.from('{"type":"event","event":"connect.challenge"')),
  ],
])("an origin that says %s has clients that are told nothing but the close", async (_name, connected) => {
  await serve(connected);
  open();
  await peer.next("accepted");
  peer.streams.stopAll();
  await peer.next("close");
  expect(peer.inbox.frames.filter(({ type }) => type === "text" || type === "binary")).toHaveLength(1);
});

test.each([
  ["an upgrade that is not answered yet", "accepted", () => {}],
  ["a large message is on its way", "offer", (socket: WebSocket) => socket.send(Buffer.alloc(MIB))],
])("a stop while %s resets, because CLOSE may not come there", async (_name, before, connected) => {
  await serve(connected);
  open();
  if (before === "offer") await peer.next("offer");
  peer.streams.stopAll();
  expect((await peer.next("reset")).code).toBe(RESET_CODES.shutting_down);
});

test("a refused upgrade is told with status, filtered headers and the beginning of its body", async () => {
  const server = createServer();
  server.on("upgrade", (_request, socket) => {
    const body = "n".repeat(20_000);
    socket.end(
      `HTTP/1.1 403 No\r\nX-Why: rule\r\nX-Tidegate-Error: forged\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  await listen(server);
  open();
  const refused = await peer.next("refused");
  expect(refused.head).toEqual({ status: 403, headers: [["X-Why", "rule"]] });
  expect(refused.body.byteLength).toBe(8 * 1024);
  expect(peer.streams.size).toBe(0);
});

test("an origin that is not there resets the stream as unreachable", async () => {
  const server = createServer();
  await listen(server);
  await new Promise((resolve) => server.close(resolve));
  open();
  expect((await peer.next("reset")).code).toBe(RESET_CODES.origin_unreachable);
});

test.each([
  ["text before the acceptance", { type: "text", stream: 1, bytes: Buffer.from("x") }],
  ["a take without an offer", { type: "take", stream: 1, attempt: 1 }],
  ["a taken without an offer", { type: "taken", stream: 1 }],
  ["data on a WebSocket", { type: "data", stream: 1, bytes: Buffer.from("x") }],
] as const)("%s is an illegal step", async (_name, frame) => {
  await serve(() => {});
  open();
  expect(() => peer.send(frame)).toThrow(expect.objectContaining({ code: "illegal_step" }));
});

test.each([
  ["a piece that starts in the middle", [5]],
  ["a piece that skips", [0, 5]],
  ["a piece that comes twice", [0, 0]],
])("%s is an illegal step", async (_name, offsets) => {
  await serve((socket) => socket.send("hello"));
  open();
  await peer.next("text");
  const pieces = offsets.map((offset) => {
    return { type: "piece", stream: 1, kind: "text", total: 100, offset, bytes: Buffer.from("abc") } as const;
  });
  expect(() => peer.send(...pieces)).toThrow(expect.objectContaining({ code: "illegal_step" }));
});
