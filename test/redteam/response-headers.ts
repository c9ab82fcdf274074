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

const upgrades: Attempt[] = [
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
];

export const RESPONSE_HEADERS: Attempt[] = [control, ...dropped, ...kept, ...upgrades];
