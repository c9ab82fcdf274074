import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { RESET_CODES } from "#protocol/errors.ts";
import { INITIAL_CREDIT_BYTES, MAX_CHUNK_BYTES } from "#protocol/limits.ts";
import { openHead, Peer } from "./support/peer.ts";

let server: Server | undefined;
let peer: Peer;

async function serve(listener: RequestListener, gate?: ConstructorParameters<typeof Peer>[1]): Promise<void> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  peer = new Peer((server.address() as AddressInfo).port, gate);
}

afterEach(() => {
  peer.close();
  server?.closeAllConnections();
  server?.close();
});

test("a small response travels as one frame", async () => {
  await serve((request, response) => response.setHeader("X-Path", request.url ?? "").end("hello"));
  peer.send({ type: "open", stream: 1, head: openHead({ target: '/a?b="c"&d=|' }) });
  const head = await peer.next("head");
  expect(head.end).toBe(true);
  expect(Buffer.from(head.body).toString()).toBe("hello");
  expect(head.head.headers).toContainEqual(["X-Path", '/a?b="c"&d=|']);
  expect(peer.streams.size).toBe(0);
});

test("the origin sees our headers once, from the agent's own address", async () => {
  const { promise, resolve } = Promise.withResolvers<{ raw: string[]; from: string | undefined }>();
  await serve((request, response) => {
    resolve({ raw: request.rawHeaders, from: request.socket.remoteAddress });
    response.end();
  });
  const headers: [string, string][] = [
    ["X-Forwarded-User", "evil@example.com"],
    ["Accept", "text/html"],
  ];
  peer.send({ type: "open", stream: 1, head: openHead({ headers }) });
  const { raw, from } = await promise;
  expect(from).toBe("127.77.0.1");
  expect(raw.slice(2, 14)).toEqual(
    ["Accept", "text/html", "x-user", "alice@example.com", "X-Forwarded-For", "203.0.113.7"].concat(
      ["X-Forwarded-Proto", "https", "X-Forwarded-Host", "gw.example", "x-openclaw-scopes"],
      ["operator.read,operator.write"],
    ),
  );
});

test("a HEAD response and a 304 have no body and end at once", async () => {
  await serve((request, response) => {
    response.statusCode = request.method === "HEAD" ? 200 : 304;
    response.setHeader("Content-Length", "17").end();
  });
  peer.send({ type: "open", stream: 1, head: openHead({ method: "HEAD" }) });
  peer.send({ type: "open", stream: 2, head: openHead() });
  for (const status of [200, 304]) {
    const head = await peer.next("head", status === 200 ? 1 : 2);
    expect(head.head.status).toBe(status);
    expect(head.end).toBe(true);
  }
});

test("a stream of the origin is not held back for its end", async () => {
  const open = Promise.withResolvers<() => void>();
  await serve((_request, response) => {
    response.write("data: 1\n\n");
    open.resolve(() => response.end("data: 2\n\n"));
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  const finish = await open.promise;
  const head = await peer.next("head");
  const first = head.body.byteLength > 0 ? head.body : (await peer.next("data")).bytes;
  expect(head.end).toBe(false);
  expect(Buffer.from(first).toString()).toBe("data: 1\n\n");
  finish();
  expect(Buffer.from((await peer.next("data")).bytes).toString()).toBe("data: 2\n\n");
  await peer.next("end");
});

test("a large response stops at its credit and goes on with more, byte for byte", async () => {
  const body = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef");
  await serve((_request, response) => response.end(body));
  peer.send({ type: "open", stream: 1, head: openHead() });
  const parts: Uint8Array[] = [(await peer.next("head")).body];
  let received = parts[0]?.byteLength ?? 0;
  let granted = INITIAL_CREDIT_BYTES;
  while (received < body.byteLength) {
    if (received === granted) {
      granted += 100_000;
      peer.send({ type: "credit", stream: 1, bytes: 100_000 });
    }
    const { bytes } = await peer.next("data");
    expect(bytes.byteLength).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
    parts.push(bytes);
    received += bytes.byteLength;
    expect(received).toBeLessThanOrEqual(granted);
  }
  await peer.next("end");
  expect(Buffer.concat(parts).equals(body)).toBe(true);
});

test("an upload is written as it comes, and credit is granted for what was written", async () => {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      resolve(Buffer.concat(chunks));
      response.end("ok");
    });
  });
  const head = openHead({ method: "POST", target: "/api/chat/x", routeClass: "write", body: true });
  peer.send({ type: "open", stream: 1, head });
  const chunk = Buffer.alloc(64 * 1024, 7);
  let credit = INITIAL_CREDIT_BYTES;
  for (let sent = 0; sent < 16; sent++) {
    if (credit < chunk.byteLength) credit += (await peer.next("credit")).bytes;
    peer.send({ type: "data", stream: 1, bytes: chunk });
    credit -= chunk.byteLength;
  }
  peer.send({ type: "end", stream: 1 });
  expect((await promise).byteLength).toBe(16 * chunk.byteLength);
  expect((await peer.next("head")).head.status).toBe(200);
});

test("the body's framing is the agent's, not the client's", async () => {
  const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
  await serve((request, response) => {
    resolve(request.headers);
    response.end();
  });
  const headers: [string, string][] = [
    ["Content-Length", "5"],
    ["Expect", "100-continue"],
    ["Transfer-Encoding", "gzip"],
  ];
  const head = openHead({ method: "POST", target: "/api/chat/x", routeClass: "write", headers });
  peer.send({ type: "open", stream: 1, head });
  const seen = await promise;
  expect(seen["content-length"]).toBe("0");
  expect(seen["expect"]).toBeUndefined();
  expect(seen["transfer-encoding"]).toBeUndefined();
});

test("a reset of the gateway ends the request at the origin", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await serve((_request, response) => {
    response.write("x");
    response.on("close", resolve);
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  await peer.next("head");
  peer.send({ type: "reset", stream: 1, code: RESET_CODES.cancelled });
  await promise;
  peer.send({ type: "credit", stream: 1, bytes: 1 });
  expect(peer.streams.size).toBe(0);
});

test("a stop of this process resets the exchange and ends it at the origin", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await serve((_request, response) => {
    response.write("x");
    response.on("close", resolve);
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  await peer.next("head");
  expect(peer.streams.count("http")).toBe(1);
  peer.streams.stopAll();
  expect((await peer.next("reset")).code).toBe(RESET_CODES.shutting_down);
  await promise;
  expect(peer.streams.count("http")).toBe(0);
});

test("an origin that is not there resets the stream as unreachable", async () => {
  await serve(() => {});
  const { port } = server!.address() as AddressInfo;
  await new Promise((resolve) => server?.close(resolve));
  peer = new Peer(port);
  peer.send({ type: "open", stream: 1, head: openHead() });
  expect((await peer.next("reset")).code).toBe(RESET_CODES.origin_unreachable);
});

test.each([
  ["before its head", false],
  ["after its head", true],
])("an origin that breaks off %s resets the stream", async (_name, headFirst) => {
  await serve((request, response) => {
    if (headFirst) response.write("x", () => setImmediate(() => request.socket.destroy()));
    else request.socket.destroy();
  });
  peer.send({ type: "open", stream: 1, head: openHead() });
  expect((await peer.next("reset")).code).toBe(RESET_CODES.origin_failed);
});

test.each([
  ["another path of the same class", openHead({ target: "//x/tools/invoke" }), "refused_target"],
  ["a class that is not the target's", openHead({ routeClass: "tools" }), "refused_target"],
  ["admin over HTTP", openHead({ scopes: ["operator.admin"] }), "bad_head"],
] as const)("%s never reaches the origin", async (_name, head, code) => {
  await serve(() => expect.unreachable());
  // Not through the codec, which refuses the first one already.
  peer.streams.receive({ type: "open", stream: 1, head });
  expect((await peer.next("reset")).code).toBe(RESET_CODES[code]);
});

test("a write waits for its person to be written, a read does not", async () => {
  const gate = Promise.withResolvers<"ok">();
  const seen: string[] = [];
  await serve(
    (request, response) => {
      seen.push(request.method ?? "");
      request.resume().on("end", () => response.end());
    },
    (head) => (head.method === "GET" ? null : gate.promise),
  );
  const head = openHead({ method: "POST", target: "/api/chat/x", routeClass: "write", body: true });
  peer.send({ type: "open", stream: 1, head }, { type: "data", stream: 1, bytes: Buffer.from("early") });
  peer.send({ type: "end", stream: 1 }, { type: "open", stream: 2, head: openHead() });
  await peer.next("head", 2);
  expect(seen).toEqual(["GET"]);
  gate.resolve("ok");
  await peer.next("head", 1);
  expect(seen).toEqual(["GET", "POST"]);
});

test.each([
  ["data without a body", { type: "data", stream: 1, bytes: Buffer.from("x") }],
  ["a WebSocket message", { type: "text", stream: 1, bytes: Buffer.from("x") }],
  ["a stream that was never opened", { type: "end", stream: 9 }],
  ["the same id again", { type: "open", stream: 1, head: openHead() }],
] as const)("%s is an illegal step", async (_name, frame) => {
  await serve(() => {});
  peer.send({ type: "open", stream: 1, head: openHead() });
  expect(() => peer.send(frame)).toThrow(expect.objectContaining({ code: "illegal_step" }));
});
