/** T5, T17: what a hostile OpenClaw may answer, byte for byte, and what of it reaches the browser. */
import { gzipSync } from "node:zlib";
import type { Socket } from "node:net";
import { type Answered, type Header, valuesOf } from "../support/http-exchange.ts";
import type { Attempt } from "./attempt.ts";
import { lookAround, UNAFFECTED } from "./neighbours.ts";
import type { World } from "./world.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const BODY = "Content-Length: 2\r\n\r\nok";
const REFUSED = "502";
/** Enough for many times every buffer on the way. */
const FLOOD = 50_000;

/** Headers that decide about more than their own response, and where browsers would not see the difference. */
const HEADERS: [name: string, lines: string[]][] = [
  ["a session cookie of ours", ["Set-Cookie: __Host-tidegate-evil=x; Secure; Path=/"]],
  ["a neighbour's session cookie", ["Set-Cookie: __Host-tidegate-good=x; Secure; Path=/"]],
  ["our cookie without its prefix", ["Set-Cookie: tidegate-evil=x"]],
  ["our cookie in capitals", ["Set-Cookie: __HOST-TIDEGATE-evil=x; Secure; Path=/"]],
  ["our cookie behind a blank", ["Set-Cookie:  \t __Host-tidegate-evil=x; Secure; Path=/"]],
  ["our cookie's name before a blank", ["Set-Cookie: __Host-tidegate-evil =x; Secure; Path=/"]],
  ["a secure prefix", ["Set-Cookie: __Secure-other=x; Secure"]],
  ["a cookie without a name that reads as ours", ["Set-Cookie: =__Host-tidegate-good=x"]],
  ["a cookie that is one value", ["Set-Cookie: __Host-tidegate-good"]],
  ["a cookie for the whole domain", ["Set-Cookie: a=x; Domain=tide.test"]],
  ["a domain in other letters", ["Set-Cookie: a=x;\tdOmAiN =\t.tide.test"]],
  ["an empty domain", ["Set-Cookie: a=x; Domain="]],
  ["CORS for everybody", ["Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: *"]],
  [
    "CORS with credentials for the neighbour",
    ["Access-Control-Allow-Origin: https://good.tide.test", "Access-Control-Allow-Credentials: true"],
  ],
  ["CORS for private networks", ["Access-Control-Allow-Private-Network: true"]],
  ["a wider scope for service workers", ["Service-Worker-Allowed: /"]],
  ["another way to this host", ['Alt-Svc: h3="evil.example:443"; ma=31536000; persist=1']],
  ["reports to elsewhere", ['Report-To: {"group":"x","max_age":9,"endpoints":[{"url":"https://evil.example"}]}']],
  ["errors to elsewhere", ['NEL: {"report_to":"x","max_age":9,"include_subdomains":true}']],
  ["the browser's storage emptied", ['Clear-Site-Data: "*"']],
  ["another page after this one", ["Refresh: 0; url=https://evil.example"]],
  ["a refusal of ours", ["X-Tidegate-Error: session_revoked"]],
  ["an order to renew", ["X-Tidegate-Error: renewal_due"]],
  ["a proxy's question", ['Proxy-Authenticate: Basic realm="password please"']],
];

/** Ours stay whatever OpenClaw says. */
const KEPT: [name: string, lines: string[]][] = [
  ["its own HSTS", ["Strict-Transport-Security: max-age=0"]],
  ["sniffing allowed", ["X-Content-Type-Options: sniff"]],
  ["ours nominated as hop-by-hop", ["Connection: strict-transport-security, x-content-type-options"]],
];

const dropped: Attempt[] = HEADERS.map(([name, lines]) => ({
  id: `response/${name}`,
  threat: "T5",
  tried: `OpenClaw answers with ${name}: ${lines.join(", ")}`,
  expected: `200 without it, ${UNAFFECTED}`,
  async run(world: World) {
    const answered = await relay(world, `${OK}${lines.join("\r\n")}\r\n${BODY}`);
    const names = lines.map((line) => line.split(":")[0]?.toLowerCase() ?? "");
    const arrived = answered.headers.filter(([header]) => names.includes(header.toLowerCase()));
    const what = arrived.length === 0 ? "without it" : `with ${arrived.map((pair) => pair.join(": ")).join(", ")}`;
    return `${answered.status} ${what}, ${await lookAround(world.tenants)}`;
  },
}));

const kept: Attempt[] = KEPT.map(([name, lines]) => ({
  id: `response/${name}`,
  threat: "T5",
  tried: `OpenClaw answers with ${name}: ${lines.join(", ")}`,
  expected: "200, max-age=31536000, nosniff",
  async run(world: World) {
    const { status, headers } = await relay(world, `${OK}${lines.join("\r\n")}\r\n${BODY}`);
    return [
      status,
      ...["strict-transport-security", "x-content-type-options"].flatMap((name) => valuesOf(headers, name)),
    ].join(", ");
  },
}));

/** So that the list above says something: what is OpenClaw's to say does pass. */
const control: Attempt = {
  id: "response/control",
  threat: "T5",
  tried: "OpenClaw answers with a cookie, a header and a body of its own (must work)",
  expected: "200 a=x; Path=/plugin no-cache ok",
  async run(world) {
    const lines = "Set-Cookie: a=x; Path=/plugin\r\nCache-Control: no-cache\r\n";
    const { status, headers, body } = await relay(world, `${OK}${lines}${BODY}`);
    return [status, ...valuesOf(headers, "set-cookie"), ...valuesOf(headers, "cache-control"), body].join(" ");
  },
};

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
    id: "response/an upgrade refused with a cookie of ours",
    threat: "T5",
    tried: "OpenClaw refuses an upgrade with a cookie and a refusal of ours",
    expected: `401 without them, ${UNAFFECTED}`,
    async run(world) {
      const lines = "Set-Cookie: __Host-tidegate-evil=x; Secure; Path=/\r\nX-Tidegate-Error: renewal_due\r\n";
      const { status, headers } = await upgrade(world, `HTTP/1.1 401 Unauthorized\r\n${lines}${BODY}`);
      const arrived = ["set-cookie", "x-tidegate-error"].flatMap((name) => valuesOf(headers, name));
      return `${status} ${arrived.length === 0 ? "without them" : arrived.join()}, ${await lookAround(world.tenants)}`;
    },
  },
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

/** bob asks the hostile OpenClaw. */
function relay(
  { tenants }: World,
  answer: string | ((socket: Socket) => void),
  more: Header[] = [],
): Promise<Answered> {
  const { evil, ask } = tenants;
  return ask(evil.origin, "GET", evil.openclaw.play(answer), [["Cookie", evil.bob], ...more]);
}

function upgrade({ tenants }: World, answer: string): Promise<Answered> {
  const { evil, ask } = tenants;
  return ask(evil.origin, "GET", evil.openclaw.play(answer), [
    ["Cookie", evil.bob],
    ["Origin", evil.origin],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ]);
}

function agentHostCookie({ tenants }: World): Promise<string> {
  return tenants.signIn(`http://${tenants.evil.agentHost}`, "bob@example.com");
}

/** Writes `piece` again and again, as fast as it is taken. */
function flood(socket: Socket, begin: string, piece: string, times = FLOOD): void {
  socket.write(begin);
  let left = times;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1;
      if (!socket.write(piece)) return;
    }
    socket.destroy();
  };
  socket.on("drain", more);
  more();
}

export const RESPONSES: Attempt[] = [control, ...dropped, ...kept, ...broken, ...others];
