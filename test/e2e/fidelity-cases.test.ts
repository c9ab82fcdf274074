import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answerOf, beginExchange, exchange, type Header, valuesOf } from "../support/http-exchange.ts";
import { type RecordingOrigin, startRecordingOrigin } from "../support/recording-origin.ts";
import { type RunningTunnel, startTunnel } from "../support/running-tunnel.ts";
import { OriginPool } from "../../workspace-agent/origin/origin-pool.ts";

const MIB = 1024 * 1024;
const UPLOAD = "/api/media/";

/** Reads on when its writing fails: the platform resets an upload that it stopped reading. */
const patient = new OriginPool({ keepAlive: false });

let origin: RecordingOrigin;
let tunnel: RunningTunnel;
let signedIn: Header[];

beforeAll(async () => {
  origin = await startRecordingOrigin();
  tunnel = await startTunnel(origin.port);
  signedIn = [
    ["Host", tunnel.host],
    ["Cookie", await tunnel.signIn()],
    ["Origin", tunnel.origin],
  ];
});

afterAll(async () => {
  await tunnel?.stop();
  origin?.stop();
});

function get(key: string, method = "GET") {
  return exchange(tunnel.port, { method, target: `/${key}`, headers: signedIn });
}

/** An upload whose end is up to the test. */
function beginUpload(key: string) {
  const headers: Header[] = [...signedIn, ["Transfer-Encoding", "chunked"]];
  return beginExchange(tunnel.port, { method: "POST", target: UPLOAD + key, headers });
}

/** What the origin's own HTTP server would never say, byte for byte; then it closes. */
function scriptBytes(key: string, bytes: string) {
  return origin.script(key, (request) => request.socket.end(bytes, "latin1"));
}

test("a response that comes before the upload has ended reaches the client, and its connection serves nobody else", async () => {
  const seen = origin.script("key-early-", (_request, response) => response.end("enough"));
  const call = beginUpload("key-early-");
  call.write("the beginning");
  const answered = await answerOf(call);
  expect(answered.status).toBe(200);
  expect(String(answered.body)).toBe("enough");
  await seen[0]?.closed;
  await get("key-early-");
  expect(seen[1]?.connection).not.toBe(seen[0]?.connection);
  call.destroy();
});

test("a refusal that closes the connection in mid-upload is seen by a client that has megabytes to go", async () => {
  const seen = origin.script("key-413-", (request, response) => {
    response.writeHead(413, { connection: "close" }).end("too much", () => request.socket.destroy());
  });
  for (let round = 1; round <= 8; round++) {
    const headers: Header[] = [...signedIn, ["Content-Length", String(4 * MIB)]];
    const body = Array.from({ length: 64 }, () => Buffer.alloc(65_536, round));
    const sent = { method: "POST", target: `${UPLOAD}key-413-`, headers, body };
    const answered = await exchange(tunnel.port, sent, patient);
    expect(answered.status).toBe(413);
    expect(String(answered.body)).toBe("too much");
    expect(seen).toHaveLength(round);
  }
});

test.each(["chunked", "length"])(
  "an upload that its client breaks off (%s) breaks off at the origin",
  async (framing) => {
    const begun = Promise.withResolvers<void>();
    const seen = origin.script(`key-abort${framing}-`, (request) => request.once("data", () => begun.resolve()));
    const header: Header = framing === "chunked" ? ["Transfer-Encoding", "chunked"] : ["Content-Length", "1000"];
    const target = `${UPLOAD}key-abort${framing}-`;
    const call = beginExchange(tunnel.port, { method: "POST", target, headers: [...signedIn, header] });
    call.on("error", () => undefined);
    call.write("the beginning");
    await begun.promise;
    call.destroy();
    await expect(seen[0]?.body).rejects.toThrow();
  },
);

test("a download that its client leaves ends at the origin", async () => {
  const left = Promise.withResolvers<boolean>();
  origin.script("key-leave-", (_request, response) => {
    response.on("close", () => left.resolve(response.writableFinished));
    const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536), more));
    more();
  });
  const call = beginExchange(tunnel.port, { method: "GET", target: "/key-leave-", headers: signedIn });
  call.on("error", () => undefined);
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  await once(response, "data");
  call.destroy();
  expect(await left.promise).toBe(false);
});

test("each server-sent event arrives before the next is sent; a client that left is noticed at the next writes", async () => {
  let stream: ServerResponse | undefined;
  const opened = Promise.withResolvers<void>();
  origin.script("key-sse-", (_request, response) => {
    stream = response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    opened.resolve();
  });
  const headers: Header[] = [...signedIn, ["Accept", "text/event-stream"]];
  const call = beginExchange(tunnel.port, { method: "GET", target: "/key-sse-", headers });
  call.on("error", () => undefined);
  call.end();
  await opened.promise;
  stream?.write("data: 0\n\n");
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  for (let event = 0; event < 20; event++) {
    const [chunk] = (await once(response, "data")) as [Buffer];
    expect(String(chunk)).toBe(`data: ${event}\n\n`);
    stream?.write(`data: ${event + 1}\n\n`);
  }
  const closed = once(stream!, "close");
  call.destroy();
  // The platform may take a closed socket's first bytes: it is the next ones that tell.
  const beat = () => void (stream?.destroyed || stream?.write(": still here?\n\n", () => setImmediate(beat)));
  beat();
  await closed;
});

test("HEAD keeps the length of what it does not send, GET that of what it sends", async () => {
  const body = Buffer.alloc(200_000, "tide");
  origin.script("key-length-", (request, response) => {
    response.writeHead(200, { "content-length": body.byteLength });
    if (request.method === "HEAD") response.end();
    // In two parts: what fits in one frame has its length from that alone.
    else response.write(body.subarray(0, 1_000), () => response.end(body.subarray(1_000)));
  });
  for (const method of ["HEAD", "GET"]) {
    const answered = await get("key-length-", method);
    expect(valuesOf(answered.headers, "content-length")).toEqual([String(body.byteLength)]);
    expect(answered.body.byteLength).toBe(method === "HEAD" ? 0 : body.byteLength);
  }
});

test.each([204, 205, 304])("a %i has its headers and no body", async (status) => {
  origin.script(`key-null${status}-`, (_request, response) => response.writeHead(status, { etag: '"v1"' }).end());
  for (const method of ["GET", "HEAD"]) {
    const answered = await get(`key-null${status}-`, method);
    expect(answered.status).toBe(status);
    expect(valuesOf(answered.headers, "etag")).toEqual(['"v1"']);
    expect(answered.body.byteLength).toBe(0);
  }
});

test("informational responses are swallowed, and the final one is the answer", async () => {
  scriptBytes(
    "key-informed-",
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal",
  );
  const call = beginExchange(tunnel.port, { method: "GET", target: "/key-informed-", headers: signedIn });
  const informed: number[] = [];
  call.on("information", ({ statusCode }) => informed.push(statusCode));
  call.end();
  const answered = await answerOf(call);
  expect(String(answered.body)).toBe("final");
  expect(valuesOf(answered.headers, "link")).toEqual([]);
  expect(informed).toEqual([]);
});

test("trailers end at the platform, which has none; the bodies before them arrive", async () => {
  const seen = origin.script("key-trailers-", (request, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("down");
    response.addTrailers({ "x-sum": "1" });
    request.resume().on("end", () => response.end());
  });
  const call = beginUpload("key-trailers-");
  call.write("up");
  call.addTrailers({ "x-sum": "2" });
  call.end();
  const answered = await answerOf(call);
  expect(String(answered.body)).toBe("down");
  expect(answered.trailers).toEqual([]);
  expect(valuesOf(answered.headers, "trailer")).toEqual([]);
  expect(String(await seen[0]?.body)).toBe("up");
});

test("a client that asks first is told to go on, and its body arrives", async () => {
  const seen = origin.script("key-expect-", (request, response) => request.resume().on("end", () => response.end()));
  const headers: Header[] = [...signedIn, ["Content-Length", "5"], ["Expect", "100-continue"]];
  const call = beginExchange(tunnel.port, { method: "POST", target: `${UPLOAD}key-expect-`, headers });
  call.flushHeaders();
  await once(call, "continue");
  call.end("hello");
  expect((await answerOf(call)).status).toBe(200);
  expect(String(await seen[0]?.body)).toBe("hello");
  expect(seen[0]?.rawHeaders.map((text) => text.toLowerCase())).not.toContain("expect");
});

test("a response that the origin cuts is never taken for a whole one", async () => {
  scriptBytes("key-cut1-", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort");
  scriptBytes("key-cut2-", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n");
  await expect(get("key-cut1-")).rejects.toThrow();
  await expect(get("key-cut2-")).rejects.toThrow();
});

const OK = "HTTP/1.1 200 OK\r\n";
const TWO = "Content-Length: 2\r\n\r\nok";

test.each([
  ["a length and chunks", `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
  ["a length that is no number", `${OK}Content-Length: x\r\n\r\nok`],
  ["a signed length", `${OK}Content-Length: +2\r\n\r\nok`],
  ["two lengths", `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`],
  ["a chunk size in another notation", `${OK}Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n`],
  ["a carriage return within a value", `${OK}X-A: a\rSet-Cookie: b=c\r\n${TWO}`],
  ["a NUL within a value", `${OK}X-A: a\0b\r\n${TWO}`],
  ["lines that end without carriage return", `HTTP/1.1 200 OK\nX-A: a\n${TWO}`],
  ["a folded line", `${OK}X-A: a\r\n b\r\n${TWO}`],
  ["a space before the colon", `${OK}X-A : a\r\n${TWO}`],
  ["a header without a name", `${OK}: a\r\n${TWO}`],
  ["status 0", `HTTP/1.1 0 OK\r\n${TWO}`],
  ["status 99", `HTTP/1.1 099 OK\r\n${TWO}`],
  ["status 600", `HTTP/1.1 600 OK\r\n${TWO}`],
  ["status 1000", `HTTP/1.1 1000 OK\r\n${TWO}`],
  ["an upgrade that nobody asked for", `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`],
  ["a body after 204", `HTTP/1.1 204 No Content\r\n${TWO}`],
  ["headers without end", OK + `X-A: ${"a".repeat(60)}\r\n`.repeat(2_000)],
  ["more headers than travel", `${OK}${"X-A: a\r\n".repeat(300)}${TWO}`],
  ["no HTTP at all", "SSH-2.0-x\r\n"],
  ["nothing", ""],
])("an origin that answers %s is a 502 to the one who asked, and to nobody else", async (_name, bytes) => {
  scriptBytes("key-hostile-", bytes);
  origin.script("key-good-", (_request, response) => response.end("good"));
  const [hostile, good] = await Promise.all([get("key-hostile-"), get("key-good-")]);
  expect(hostile.status).toBe(502);
  expect(valuesOf(hostile.headers, "x-tidegate-error")).toEqual(["origin_failed"]);
  expect(String(good.body)).toBe("good");
  expect(String((await get("key-good-")).body)).toBe("good");
});
