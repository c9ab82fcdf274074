import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { Frame } from "#protocol/frame.ts";
import { type Role, ROLE_SCOPES } from "#protocol/identity.ts";
import { MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES } from "#protocol/limits.ts";
import { createGates, type Gates } from "../../workspace-agent/method-gate/open-gate.ts";
import { openHead, Peer } from "./support/peer.ts";

const MIB = 1024 * 1024;
let peer: Peer;
let gates: Gates;
let stop: () => void;
/** What the origin got, on all sockets. */
let received: string[];
/** The origin's ends, in the order of their opening. */
let origins: WebSocket[];

/** An origin that answers every request with its method, and counts what reaches it. */
beforeEach(async () => {
  received = [];
  origins = [];
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 26 * MIB });
  sockets.on("connection", (socket) => {
    origins.push(socket);
    socket.send("challenge");
    socket.on("message", (data) => {
      received.push(String(data));
      const { id, method } = JSON.parse(String(data)) as { id: string; method: string };
      socket.send(JSON.stringify({ type: "res", id, ok: true, payload: method }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gates = createGates();
  peer = new Peer((server.address() as AddressInfo).port, () => null, gates.open);
  stop = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  };
});

afterEach(() => {
  peer.close();
  stop();
});

async function open(role: Role = "user", stream = 1): Promise<void> {
  peer.send({ type: "open", stream, head: openHead({ kind: "ws", role, scopes: [...ROLE_SCOPES[role]] }) });
  await peer.next("text", stream);
}

const request = (id: string, method: string, params: object = {}) =>
  JSON.stringify({ type: "req", id, method, params });
const text = (message: string, stream = 1): Frame => ({ type: "text", stream, bytes: Buffer.from(message) });
const answer = async (stream = 1) =>
  JSON.parse(Buffer.from((await peer.next("text", stream)).bytes).toString()) as Record<string, unknown>;

/** Sends a message as the object sends a large one: in pieces, as credit comes. */
async function sendInPieces(message: Uint8Array, stream = 1): Promise<void> {
  let credit = 256 * 1024;
  for (let offset = 0; offset < message.byteLength;) {
    const bytes = message.subarray(offset, offset + MAX_CHUNK_BYTES);
    while (credit <= 0) credit += (await peer.next("credit", stream)).bytes;
    peer.send({ type: "piece", stream, kind: "text", total: message.byteLength, offset, bytes });
    credit -= bytes.byteLength;
    offset += bytes.byteLength;
  }
}

test("what a role may ask passes unchanged, in order with the refusals between", async () => {
  await open();
  peer.send(
    text(request("1", "chat.send", { message: "ä" })),
    text(request("2", "tools.invoke", { name: "exec" })),
    text(request("3", "health")),
  );
  const answers = [await answer(), await answer(), await answer()];
  expect(answers.map(({ id, ok }) => [id, ok]).toSorted()).toEqual([
    ["1", true],
    ["2", false],
    ["3", true],
  ]);
  expect(received).toEqual([request("1", "chat.send", { message: "ä" }), request("3", "health")]);
});

test("a refusal is OpenClaw's own word for a missing scope", async () => {
  await open();
  peer.send(text(request("x-1", "config.get")));
  expect(await answer()).toEqual({
    type: "res",
    id: "x-1",
    ok: false,
    error: {
      code: "FORBIDDEN",
      message: "missing scope: operator.admin",
      details: { code: "MISSING_SCOPE", missingScope: "operator.admin", requiredScopes: ["operator.admin"] },
    },
  });
});

test("an admin, too, cannot speak as somebody else", async () => {
  await open("admin");
  peer.send(text(request("1", "agent", { message: "hi", inputProvenance: { kind: "inter_session" } })));
  const { ok, error } = await answer();
  expect([ok, error]).toEqual([
    false,
    { code: "FORBIDDEN", message: "not open to people: agent with these parameters" },
  ]);
  expect(received).toEqual([]);
});

test.each([
  ["no JSON", text("hello"), 1007],
  ["two methods", text('{"type":"req","id":"1","method":"health","method":"wake"}'), 1007],
  ["bytes that are no UTF-8", { type: "text", stream: 1, bytes: Buffer.from([0x22, 0xff, 0x22]) }, 1007],
  [
    "a binary message, which OpenClaw would read as text",
    { type: "binary", stream: 1, bytes: Buffer.from(request("1", "health")) },
    1003,
  ],
] satisfies [string, Frame, number][])(
  "%s ends the socket, and nothing behind it passes",
  async (_name, frame, code) => {
    await open();
    peer.send(frame, text(request("2", "health")));
    expect((await peer.next("close")).code).toBe(code);
    expect(received).toEqual([]);
    expect(gates.denied.unreadable).toBe(1);
  },
);

test("a message of 25 MiB passes whole, with the method behind its attachment", async () => {
  await open();
  const head = '{"type":"req","id":"1","params":{"attachments":["';
  const tail = '"],"message":"hi"},"method":"chat.send"}';
  const message = Buffer.from(head + "A".repeat(MAX_MESSAGE_BYTES - head.length - tail.length) + tail);
  await sendInPieces(message);
  expect(await answer()).toMatchObject({ id: "1", ok: true });
  expect(Buffer.from(received[0] ?? "").equals(message)).toBe(true);
});

test("of a large message that is refused at its very end, nothing reaches OpenClaw, and the socket goes on", async () => {
  await open();
  const params = { attachments: ["A".repeat(MIB)], systemInputProvenance: { kind: "x" } };
  await sendInPieces(Buffer.from(request("1", "chat.send", params)));
  expect(await answer()).toMatchObject({ id: "1", ok: false });
  peer.send(text(request("2", "health")));
  expect(await answer()).toMatchObject({ id: "2", ok: true });
  expect(received).toEqual([request("2", "health")]);
});

test("a large message that cannot be a request ends its socket before it is whole", async () => {
  await open();
  const bytes = Buffer.from(`[${"1,".repeat(30_000)}`);
  peer.send({ type: "piece", stream: 1, kind: "text", total: 20 * MIB, offset: 0, bytes });
  expect((await peer.next("close")).code).toBe(1007);
});

test("two of 20 MiB at once share the memory: the second waits for the first, and both arrive", async () => {
  await open("user", 1);
  await open("user", 2);
  const large = (id: string) => Buffer.from(request(id, "chat.send", { message: "A".repeat(20 * MIB) }));
  // The first has reserved its memory; the second may send no more than its credit.
  const first = large("1");
  peer.send({
    type: "piece",
    stream: 1,
    kind: "text",
    total: first.byteLength,
    offset: 0,
    bytes: first.subarray(0, 64),
  });
  const second = sendInPieces(large("2"), 2);
  peer.send({ type: "reset", stream: 1, code: 1 });
  await second;
  expect(await answer(2)).toMatchObject({ id: "2", ok: true });
});

test("what is held for a socket that OpenClaw closed is given back, though its browser reads no more", async () => {
  await open("user", 1);
  await open("user", 2);
  const bytes = Buffer.from('{"type":"req","params":["');
  peer.send({ type: "piece", stream: 1, kind: "text", total: 20 * MIB, offset: 0, bytes });
  // Offered, and never taken: the close behind it waits for ever.
  origins[0]?.send("A".repeat(300 * 1024));
  await peer.next("offer", 1);
  origins[0]?.close(1008);
  await sendInPieces(Buffer.from(request("2", "chat.send", { message: "A".repeat(20 * MIB) })), 2);
  expect(await answer(2)).toMatchObject({ id: "2", ok: true });
});

test("refusals are told at the 1st, the 2nd, the 4th …, and counted all", async () => {
  await open();
  for (let at = 0; at < 9; at++) peer.send(text(request(`${at}`, "wake", { text: "x" })));
  const counts = [];
  for (let at = 0; at < 4; at++) counts.push(await peer.next("denied"));
  expect(counts.map(({ method, reason, count }) => [method, reason, count])).toEqual([
    ["wake", "method", 1],
    ["wake", "method", 2],
    ["wake", "method", 4],
    ["wake", "method", 8],
  ]);
  expect(gates.denied.method).toBe(9);
});

test("a method's name that is no plain name is not told on", async () => {
  await open();
  peer.send(text(request("1", "<script>\n")));
  expect(await peer.next("denied")).toMatchObject({ method: "", reason: "method" });
});

test("whoever asks for what is refused and does not read is closed, before the answers fill the memory", async () => {
  await open();
  peer.send({ type: "open", stream: 2, head: openHead({ kind: "ws", credit: 100 }) });
  await peer.next("accepted", 2);
  const wake = text(request("1".repeat(400), "wake"), 2);
  for (let at = 0; at < 1_500; at++) peer.send(wake);
  await expect.poll(() => gates.denied.method).toBeLessThan(1_400);
  peer.send({ type: "credit", stream: 2, bytes: 1_000_000 });
  expect((await peer.next("close", 2)).code).toBe(1013);
});
