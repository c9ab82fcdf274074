/** T5: headers by which a hostile OpenClaw would decide about more than its own response. */
import { valuesOf } from "../support/http-exchange.ts";
import { BODY, OK, relay, upgrade } from "./ask-hostile.ts";
import type { Attempt } from "./attempt.ts";
import { lookAround, UNAFFECTED } from "./neighbours.ts";
import type { World } from "./world.ts";

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
  ["our cookie by a header in other letters", ["sEt-cOOkIe: __Host-tidegate-evil=x; Secure; Path=/"]],
  ["the browser's window for a password", ['WWW-Authenticate: Basic realm="password please"']],
  ["the same behind a challenge of its own", ['WWW-Authenticate: MCP-App, Digest realm="password please", nonce="n"']],
  ["a question that browsers answer in an intranet", ["WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM"]],
  ["reports of this page to elsewhere", ['Reporting-Endpoints: default="https://evil.example"']],
  ["a session that the browser renews", ['Secure-Session-Registration: (ES256);path="/register";challenge="c"']],
  ["a dictionary for our own pages", ['Use-As-Dictionary: match="/_gate/*"']],
  ["questions about the computer, for good", ["Accept-CH: Sec-CH-UA-Model", "Critical-CH: Sec-CH-UA-Model"]],
  ["a false state of sign-in", ["Set-Login: logged-out"]],
  ["trailers and another protocol", ["Trailer: Set-Cookie", "Upgrade: h2c"]],
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
  expected: "200 a=x; Path=/plugin no-cache DENY sandbox ok",
  async run(world) {
    const names = ["set-cookie", "cache-control", "x-frame-options", "content-security-policy"];
    const lines =
      "Set-Cookie: a=x; Path=/plugin\r\nCache-Control: no-cache\r\nX-Frame-Options: DENY\r\nContent-Security-Policy: sandbox\r\n";
    const { status, headers, body } = await relay(world, `${OK}${lines}${BODY}`);
    return [status, ...names.flatMap((name) => valuesOf(headers, name)), body].join(" ");
  },
};

/** Commas end no cookie: whoever cut one there would have made another. */
const comma: Attempt = {
  id: "response/a cookie with ours behind a comma",
  threat: "T5",
  tried: "OpenClaw answers with one cookie that holds a comma, and behind it ours",
  expected: `one cookie, a=x, __Host-tidegate-evil=y; Secure; Path=/, ${UNAFFECTED}`,
  async run(world) {
    const line = "Set-Cookie: a=x, __Host-tidegate-evil=y; Secure; Path=/\r\n";
    const cookies = valuesOf((await relay(world, `${OK}${line}${BODY}`)).headers, "set-cookie");
    const what = cookies.length === 1 ? "one cookie" : `${cookies.length} cookies`;
    return `${what}, ${cookies.join(" and ")}, ${await lookAround(world.tenants)}`;
  },
};

const upgrades: Attempt[] = [
  {
    id: "response/an upgrade refused with a cookie of ours",
    threat: "T5",
    tried: "OpenClaw refuses an upgrade with a cookie and a refusal of ours, and asks for a password",
    expected: `401 without them, ${UNAFFECTED}`,
    async run(world) {
      const lines =
        "Set-Cookie: __Host-tidegate-evil=x; Secure; Path=/\r\nX-Tidegate-Error: renewal_due\r\nWWW-Authenticate: Basic\r\n";
      const { status, headers } = await upgrade(world, `HTTP/1.1 401 Unauthorized\r\n${lines}${BODY}`);
      const arrived = ["set-cookie", "x-tidegate-error", "www-authenticate"].flatMap((name) => valuesOf(headers, name));
      return `${status} ${arrived.length === 0 ? "without them" : arrived.join()}, ${await lookAround(world.tenants)}`;
    },
  },
];

export const RESPONSE_HEADERS: Attempt[] = [control, comma, ...dropped, ...kept, ...upgrades];
