import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { dial } from "../../workspace-agent/connection/dial.ts";
import { findProxy } from "../../workspace-agent/connection/proxy.ts";
import { type Certificate, trustedCertificate } from "./support/certificate.ts";
import { Edge, welcome } from "./support/edge.ts";

let certificate: Certificate;
let edge: Edge;
let proxy: Server;
const requests: IncomingMessage[] = [];

beforeAll(() => {
  certificate = trustedCertificate();
});
afterEach(() => {
  requests.length = 0;
  edge.stop();
  proxy.close();
});

/** Starts a TLS gateway and a proxy that does `answer` with each CONNECT. @returns the proxy's address, credentials in it */
async function start(answer: (request: IncomingMessage, socket: Socket) => void): Promise<URL> {
  edge = new Edge((socket: WebSocket) => {
    socket.send(edge.challenge().message);
    socket.once("message", () => {
      socket.send(welcome);
      socket.close(1000, "enough");
    });
  }, certificate);
  await edge.start();
  proxy = createServer();
  proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
    requests.push(request);
    answer(request, socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return new URL(`http://someone:p%40ss-word@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
}

function through(way: URL, timeoutMs = 5_000) {
  return dial({
    identity: edge.identity(),
    boot: 1,
    attempt: 1,
    now: Date.now,
    signal: new AbortController().signal,
    proxy: way,
    timeoutMs,
    resume: () => null,
    greeted: () => {},
  });
}

test("the tunnel goes through the proxy, which sees where to and our credentials for it, and nothing else", async () => {
  const seen: Buffer[] = [];
  const way = await start((request, socket) => {
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const far = connect(Number(port), host, () => socket.write("HTTP/1.1 200 Go on\r\n\r\n"));
    socket.on("data", (bytes: Buffer) => seen.push(bytes));
    socket.pipe(far).pipe(socket);
  });
  expect(await through(way)).toEqual({ code: 1000, reason: "enough", proven: true, greeted: true });
  expect(requests.map(({ url }) => url)).toEqual([edge.host]);
  const basic = Buffer.from("someone:p@ss-word").toString("base64");
  expect(requests[0]?.headers["proxy-authorization"]).toBe(`Basic ${basic}`);
  expect(edge.upgrades[0]?.headers["proxy-authorization"]).toBeUndefined();
  expect(Buffer.concat(seen).toString("latin1")).not.toContain("Tidegate");
});

test("a proxy that refuses ends the attempt with its status, and its credentials are in no reason", async () => {
  const way = await start((_request, socket) => {
    socket.end("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
  });
  expect(await through(way)).toEqual({ code: 1006, reason: "http_407", proven: false, greeted: false });
  expect(edge.upgrades).toEqual([]);
});

test("a proxy that is not there ends the attempt with a code that names neither it nor its credentials", async () => {
  await start(() => {});
  const end = await through(new URL("http://someone:secret@127.0.0.1:1"));
  expect(end).toEqual({ code: 1006, reason: "ECONNREFUSED", proven: false, greeted: false });
});

test("a proxy that never answers is left, and its connection with it", async () => {
  const left = Promise.withResolvers<void>();
  const way = await start((_request, socket) => {
    socket.resume().on("end", () => left.resolve());
    socket.on("error", () => {});
  });
  expect(await through(way, 200)).toMatchObject({ code: 1006, greeted: false });
  await left.promise;
});

const gateway = new URL("https://gw.acme.example");
test.each<[name: string, url: URL, env: Record<string, string>, proxy: string | null]>([
  ["nothing set", gateway, {}, null],
  ["upper case", gateway, { HTTPS_PROXY: "http://proxy.example:3128" }, "http://proxy.example:3128/"],
  [
    "lower case first",
    gateway,
    { https_proxy: "http://a.example", HTTPS_PROXY: "http://b.example" },
    "http://a.example/",
  ],
  ["no scheme", gateway, { HTTPS_PROXY: "proxy.example:3128" }, "http://proxy.example:3128/"],
  ["a proxy that speaks TLS", gateway, { HTTPS_PROXY: "https://proxy.example" }, "https://proxy.example/"],
  ["empty", gateway, { HTTPS_PROXY: "" }, null],
  ["plain http, which is loopback", new URL("http://localhost:8080"), { HTTPS_PROXY: "http://p.example" }, null],
  ["everything exempt", gateway, { HTTPS_PROXY: "http://p.example", NO_PROXY: "*" }, null],
  ["the host exempt", gateway, { HTTPS_PROXY: "http://p.example", NO_PROXY: "a.example, GW.acme.example" }, null],
  ["its domain exempt", gateway, { HTTPS_PROXY: "http://p.example", no_proxy: ".acme.example" }, null],
  ["its domain exempt by a star", gateway, { HTTPS_PROXY: "http://p.example", NO_PROXY: "*.acme.example" }, null],
  ["its domain's end only", gateway, { HTTPS_PROXY: "http://p.example", NO_PROXY: "cme.example" }, "http://p.example/"],
  ["its port exempt", gateway, { HTTPS_PROXY: "http://p.example", NO_PROXY: "acme.example:443" }, null],
  [
    "another port exempt",
    gateway,
    { HTTPS_PROXY: "http://p.example", NO_PROXY: "acme.example:8443" },
    "http://p.example/",
  ],
  [
    "an IPv6 address exempt",
    new URL("https://[2001:db8::1]"),
    { HTTPS_PROXY: "http://p.example", NO_PROXY: "2001:db8::1" },
    null,
  ],
])("%s", (_name, url, env, expected) => {
  expect(findProxy(url, env)?.href ?? null).toBe(expected);
});

test.each(["socks5://user:secret@p.example", "http://user:secret@:99999", "://"])(
  "%s is refused, and not repeated",
  (value) => {
    expect(() => findProxy(gateway, { HTTPS_PROXY: value })).toThrow(/^must be an http or https URL$/);
  },
);
