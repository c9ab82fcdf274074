/** T6, T17, T25: answers that are no HTTP of ours, without end, or lead elsewhere. */
import { gzipSync } from "node:zlib";
import type { Socket } from "node:net";
import { valuesOf } from "../support/http-exchange.ts";
import { BODY, flood, OK, relay, upgrade } from "./ask-hostile.ts";
import type { Attempt } from "./attempt.ts";
import { lookAround, UNAFFECTED } from "./neighbours.ts";
import type { World } from "./world.ts";

const REFUSED = "502";
const EARLY = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n`;

/** No HTTP of ours: nothing of it may reach the browser, or the one who asks next. */
const BROKEN: [name: string, answer: string | ((socket: Socket) => void)][] = [
  [
    "101 to a plain request",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi",
  ],
  [
    "101 without an upgrade",
    "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
  ],
  ["status 0", `HTTP/1.1 0 Zero\r\n${BODY}`],
  ["status 000", `HTTP/1.1 000 Zero\r\n${BODY}`],
  ["status 99", `HTTP/1.1 99 Low\r\n${BODY}`],
  ["status 099", `HTTP/1.1 099 Low\r\n${BODY}`],
  ["status 199 and no other", `HTTP/1.1 199 Odd\r\n\r\n`],
  ["status 600", `HTTP/1.1 600 High\r\n${BODY}`],
  ["status 999", `HTTP/1.1 999 High\r\n${BODY}`],
  ["status 1000", `HTTP/1.1 1000 High\r\n${BODY}`],
  ["status -200", `HTTP/1.1 -200 Low\r\n${BODY}`],
  ["a lone CR in a value", `${OK}A: b\rSet-Cookie: __Host-tidegate-evil=x\r\n${BODY}`],
  ["a NUL in a value", `${OK}A: b\0c\r\n${BODY}`],
  ["a NUL in a name", `${OK}A\0: b\r\n${BODY}`],
  ["a blank in a name", `${OK}Set-Cookie : tidegate-evil=x\r\n${BODY}`],
  ["a header without colon", `${OK}tidegate\r\n${BODY}`],
  ["a control character in a value", `${OK}A: \x01\x7f\r\n${BODY}`],
  ["two lengths", `${OK}Content-Length: 3\r\n${BODY}`],
  ["length and chunks", `${OK}Transfer-Encoding: chunked\r\n${BODY}`],
  ["a length that is none", `${OK}Content-Length: 0x2\r\n\r\nok`],
  ["one header of 64 KiB", `${OK}A: ${"x".repeat(65_536)}\r\n${BODY}`],
  ["10,000 headers", `${OK}${"A: b\r\n".repeat(10_000)}${BODY}`],
  ["300 short headers", `${OK}${"A: b\r\n".repeat(300)}${BODY}`],
  ["10,000 early answers and no late one", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(10_000)],
  ["early answers without end", (socket) => flood(socket, "", EARLY, Number.POSITIVE_INFINITY)],
  ["a 204 that has a body", `HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nstolen`],
  ["a 304 that has a body", `HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nstolen`],
  ["a cookie of ours in a chunk's extension", `${CHUNKED}\r\n2;Set-Cookie: __Host-tidegate-evil=x\r\nok\r\n0\r\n\r\n`],
  ["headers without end", (socket) => flood(socket, `${OK}`, "A: bbbbbbbbbbbbbbbb\r\n")],
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n"],
  ["nothing but the end of the connection", ""],
  ["half of a head", `${OK}A: `],
];

const broken: Attempt[] = BROKEN.map(([name, answer]) => ({
  id: `response/${name}`,
  threat: "T17",
  tried: `OpenClaw answers with ${name}`,
  expected: `${REFUSED}, ${UNAFFECTED}`,
  async run(world: World) {
    const { status, headers, body } = await relay(world, answer);
    const cookies = valuesOf(headers, "set-cookie").join();
    const stolen = String(body).includes("stolen") ? " stolen" : "";
    return `${status}${cookies}${stolen}, ${await lookAround(world.tenants)}`;
  },
}));

const others: Attempt[] = [
  {
    id: "response/lines that end in LF",
    threat: "T17",
    tried: "OpenClaw puts a cookie of ours behind a lone LF",
    expected: `refused or without cookie, ${UNAFFECTED}`,
    fits: new RegExp(`^(200|502) , ${UNAFFECTED}$`),
    async run(world) {
      const { status, headers } = await relay(world, `${OK}A: b\nSet-Cookie: __Host-tidegate-evil=x\r\n${BODY}`);
      return `${status} ${valuesOf(headers, "set-cookie").join()}, ${await lookAround(world.tenants)}`;
    },
  },
  {
    id: "response/a folded line",
    threat: "T17",
    tried: "OpenClaw folds a cookie of ours into another header",
    expected: `refused or without cookie, ${UNAFFECTED}`,
    fits: new RegExp(`^(200|502) , ${UNAFFECTED}$`),
    async run(world) {
      const { status, headers } = await relay(world, `${OK}A: b\r\n Set-Cookie: __Host-tidegate-evil=x\r\n${BODY}`);
      return `${status} ${valuesOf(headers, "set-cookie").join()}, ${await lookAround(world.tenants)}`;
    },
  },
  {
    id: "response/a second answer",
    threat: "T17",
    tried: "OpenClaw leaves an answer for the next request on a kept connection",
    expected: `200 ok, ${UNAFFECTED}`,
    async run(world) {
      const bytes = `${OK}${BODY}${OK}Content-Length: 6\r\n\r\nstolen`;
      const { status, body } = await relay(world, (socket) => void socket.write(bytes));
      return `${status} ${String(body)}, ${await lookAround(world.tenants)}`;
    },
  },
  ...(
    [
      ["an answer of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok"],
      ["early hints before its answer", `${EARLY}${OK}${BODY}`],
      ["a cookie of ours in trailers", `${CHUNKED}\r\n2\r\nok\r\n0\r\nSet-Cookie: __Host-tidegate-evil=x\r\n\r\n`],
    ] as const
  ).map(([name, bytes]): Attempt => ({
    id: `response/${name}`,
    threat: "T17",
    tried: `OpenClaw sends ${name}`,
    expected: `200 ok without link and cookie, ${UNAFFECTED}`,
    async run(world) {
      const { status, headers, body } = await relay(world, bytes);
      const more = ["set-cookie", "link", "trailer"].flatMap((header) => valuesOf(headers, header));
      const what = more.length === 0 ? "without link and cookie" : `with ${more.join(", ")}`;
      return `${status} ${String(body)} ${what}, ${await lookAround(world.tenants)}`;
    },
  })),
  ...(
    [
      ["a body of trailers without end", `${CHUNKED}\r\n0\r\n`, "A: bbbbbbbbbbbbbbbb\r\n"],
      ["a chunk with an extension without end", `${CHUNKED}\r\n1`, ";aaaaaaaaaaaaaaaa=b"],
      ["a body that is longer than it said", `${OK}Content-Length: 2\r\n\r\n`, "x".repeat(65_536)],
    ] as const
  ).map(([name, begin, piece]): Attempt => ({
    id: `response/${name}`,
    threat: "T17",
    tried: `OpenClaw sends ${name}`,
    expected: `an end, ${UNAFFECTED}`,
    async run(world) {
      const answer = (socket: Socket) => flood(socket, begin, piece, Number.POSITIVE_INFINITY);
      await relay(world, answer).catch(() => "cut off");
      return `an end, ${await lookAround(world.tenants)}`;
    },
  })),
  {
    id: "response/a body without end",
    threat: "T17",
    tried: "OpenClaw sends a body without end to a browser that leaves",
    expected: UNAFFECTED,
    async run(world) {
      const { evil, ask } = world.tenants;
      const closed = Promise.withResolvers<void>();
      const target = evil.openclaw.play((socket) => {
        socket.on("close", () => closed.resolve());
        flood(socket, `${OK}Content-Type: text/plain\r\n\r\n`, "x".repeat(65_536), Number.POSITIVE_INFINITY);
      });
      const leave = new AbortController();
      const response = await fetch(`http://${evil.agentHost}${target}`, {
        headers: { cookie: await agentHostCookie(world) },
        signal: leave.signal,
      });
      await response.body?.getReader().read();
      const beside = await lookAround(world.tenants);
      leave.abort();
      // OpenClaw hears that nobody reads any more.
      await closed.promise;
      await ask(evil.origin, "GET", "/_gate/healthz");
      return beside;
    },
  },
  {
    id: "response/a body that inflates",
    threat: "T25",
    tried: "OpenClaw sends 50 KB that inflate to 50 MB",
    expected: `the 50 KB as they were, ${UNAFFECTED}`,
    async run(world) {
      const bomb = gzipSync(Buffer.alloc(50_000_000));
      const head = `${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
      const { body } = await relay(world, (socket) => void socket.end(Buffer.concat([Buffer.from(head), bomb])), [
        ["Accept-Encoding", "gzip"],
      ]);
      return `the ${body.equals(bomb) ? "50 KB as they were" : `${body.length} bytes`}, ${await lookAround(world.tenants)}`;
    },
  },
  ...["/_gate/logout", "/_gate/login?next=/", "/_gate/signed-out", "//good.tide.test/_gate/logout"].map(
    (location): Attempt => ({
      id: `response/redirect to ${location}`,
      threat: "T6",
      tried: `OpenClaw redirects to ${location}, and the browser follows`,
      expected: `a page that asks first, ${UNAFFECTED}`,
      async run(world) {
        const { evil, good, ask } = world.tenants;
        const { status, headers } = await relay(world, `HTTP/1.1 302 Found\r\nLocation: ${location}\r\n${BODY}`);
        const [to = ""] = valuesOf(headers, "location");
        if (status !== 302) return `${status}`;
        const there = to.startsWith("//") ? good : evil;
        const followed = await ask(there.origin, "GET", to.replace(/^\/\/[^/]+/, ""), [
          ["Cookie", there.bob],
          ["Accept", "text/html"],
        ]);
        const what = followed.status === 200 ? "a page that asks first" : `${followed.status}`;
        return `${what}, ${await lookAround(world.tenants)}`;
      },
    }),
  ),
  {
    id: "response/an upgrade to something else",
    threat: "T17",
    tried: "OpenClaw answers an upgrade with 101 and a key of its own",
    expected: `${REFUSED}, ${UNAFFECTED}`,
    async run(world) {
      const lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bm9uZQ==\r\n\r\n";
      const { status } = await upgrade(world, `HTTP/1.1 101 Switching Protocols\r\n${lines}`);
      return `${status}, ${await lookAround(world.tenants)}`;
    },
  },
];

function agentHostCookie({ tenants }: World): Promise<string> {
  return tenants.signIn(`http://${tenants.evil.agentHost}`, "bob@example.com");
}

export const BROKEN_RESPONSES: Attempt[] = [...broken, ...others];
