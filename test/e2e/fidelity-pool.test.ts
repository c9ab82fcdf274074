import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange, type Header, valuesOf } from "../support/http-exchange.ts";
import { type RecordingOrigin, startRecordingOrigin } from "../support/recording-origin.ts";
import { type RunningTunnel, startTunnel } from "../support/running-tunnel.ts";
import { OriginPool } from "../../workspace-agent/origin/origin-pool.ts";

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

function send(method: string, key: string) {
  const headers: Header[] = [...signedIn, ["Content-Length", "5"]];
  return exchange(tunnel.port, { method, target: `/api/media/${key}`, headers, body: [Buffer.from("hello")] });
}

/** Makes sure that an idle connection to the origin exists. @returns its number */
async function warmUp(): Promise<number> {
  const seen = origin.script("key-warm-", (_request, response) => response.end());
  await get("key-warm-");
  return seen[0]?.connection ?? 0;
}

test("reads share a connection", async () => {
  const seen = origin.script("key-kept-", (_request, response) =>
    response.writeHead(200, { "content-length": 0 }).end(),
  );
  for (let round = 0; round < 5; round++) await get("key-kept-", round % 2 === 0 ? "GET" : "HEAD");
  expect(new Set(seen.map(({ connection }) => connection)).size).toBe(1);
});

test.each(["POST", "PUT", "PATCH", "DELETE"])(
  "a %s goes on a connection of its own, which then closes",
  async (method) => {
    const idle = await warmUp();
    const seen = origin.script("key-own-", (request, response) => request.resume().on("end", () => response.end()));
    await send(method, "key-own-");
    expect(seen[0]?.connection).not.toBe(idle);
    await seen[0]?.closed;
  },
);

test.each(["GET", "HEAD"])(
  "a %s on a connection that closes as it arrives is sent once more, on a new one",
  async (method) => {
    const warm = await warmUp();
    const seen = origin.script("key-race-", (request, response, { connection }) => {
      if (connection === warm) request.socket.destroy();
      else response.end();
    });
    expect((await get("key-race-", method)).status).toBe(200);
    expect(seen.map(({ connection }) => connection === warm)).toEqual([true, false]);
  },
);

test("a read that fails on a new connection as well is not sent a third time", async () => {
  await warmUp();
  const seen = origin.script("key-twice-", (request) => request.socket.destroy());
  const answered = await get("key-twice-");
  expect(answered.status).toBe(502);
  expect(seen).toHaveLength(2);
});

test("a read whose answer has begun is not sent again", async () => {
  const warm = await warmUp();
  const seen = origin.script("key-begun-", (request) => request.socket.end("HTTP/1.1 200 OK\r\nX-"));
  expect((await get("key-begun-")).status).toBe(502);
  expect(seen.map(({ connection }) => connection)).toEqual([warm]);
});

test.each(["POST", "PUT", "DELETE"])("a %s that the origin drops is not sent again", async (method) => {
  await warmUp();
  const seen = origin.script("key-once-", (request) => request.socket.destroy());
  expect((await send(method, "key-once-")).status).toBe(502);
  expect(seen).toHaveLength(1);
});

test("an origin that closes after each response without a word is no trouble", async () => {
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    response.end("good", () => request.socket.end());
  const seen = origin.script("key-silent-", (request, response) => {
    if (request.method === "GET") answer(request, response);
    else request.resume().on("end", () => answer(request, response));
  });
  for (let round = 0; round < 20; round++) {
    expect(String((await get("key-silent-")).body)).toBe("good");
    expect(String((await send("POST", "key-silent-")).body)).toBe("good");
  }
  expect(seen.filter(({ method }) => method === "POST")).toHaveLength(20);
});

test("a second response that nobody asked for is given to nobody, and ends its connection", async () => {
  const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
  const sent = Promise.withResolvers<void>();
  const seen = origin.script("key-forge-", (request, response) => {
    response.end("mine", () => request.socket.write(forged, () => sent.resolve()));
  });
  expect(String((await get("key-forge-")).body)).toBe("mine");
  await sent.promise;
  const next = origin.script("key-next-", (_request, response) => response.end("next"));
  expect(String((await get("key-next-")).body)).toBe("next");
  expect(next[0]?.connection).not.toBe(seen[0]?.connection);
});

test("a connection is not used again after its upload was answered early", async () => {
  const early = origin.script("key-early-", (_request, response) => response.end("enough"));
  const headers: Header[] = [...signedIn, ["Content-Length", String(2 * 1024 * 1024)]];
  const body = [Buffer.alloc(1024 * 1024), Buffer.alloc(1024 * 1024)];
  const answered = await exchange(
    tunnel.port,
    { method: "POST", target: "/api/media/key-early-", headers, body },
    patient,
  );
  expect(valuesOf(answered.headers, "content-length")).toEqual(["6"]);
  await early[0]?.closed;
  const next = await warmUp();
  expect(next).not.toBe(early[0]?.connection);
});
