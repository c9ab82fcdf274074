/** T5, T14: requests with bob's cookie that another site thought of, and hosts that two parsers read differently. */
import { type Header, UPGRADE } from "../support/http-exchange.ts";
import { statusesIn, typeBytes } from "../support/typed-connection.ts";
import type { Attempt } from "./attempt.ts";
import { type TenantSite, valueOf } from "./two-tenants.ts";
import type { World } from "./world.ts";

/** Other sites than ours, however like us they look. */
const ORIGINS: [name: string, origin: (site: TenantSite, other: TenantSite) => string | null][] = [
  ["none", () => null],
  ["null", () => "null"],
  ["the neighbour's", (_site, other) => other.origin],
  ["the console's", (site) => site.consoleOrigin],
  ["a sub-domain's", (site) => `https://a.${site.host}`],
  ["the domain's", (site) => `https://${site.host.replace(/^\w+\./, "")}`],
  ["another port's", ({ host }) => `https://${host.replace(/\d+$/, "1")}`],
  ["no port's", ({ host }) => `https://${host.replace(/:\d+$/, "")}`],
  ["http's", ({ host }) => `http://${host}`],
  ["ours in capitals", ({ host }) => `HTTPS://${host.toUpperCase()}`],
  ["ours with a slash", ({ origin }) => `${origin}/`],
  ["ours and another's", ({ origin }) => `${origin}, https://evil.example`],
  ["ours as another's user", ({ host }) => `https://${host}@evil.example`],
  ["ours as another's beginning", ({ origin }) => `${origin}.evil.example`],
];

const foreign: Attempt[] = ORIGINS.flatMap(([name, originOf]) => {
  const guarded: [what: string, method: string, target: string, more: Header[]][] = [
    ["sign-out", "POST", "/_gate/logout", []],
    ["a write of OpenClaw's", "POST", "/api/chat/x", []],
    ["an upgrade", "GET", "/", UPGRADE],
  ];
  return guarded.map(([what, method, target, more]) => ({
    id: `credential/${what} from origin ${name}`,
    threat: "T14",
    tried: `${what} with bob's cookie, and as origin ${name}`,
    expected: "403, bob still signed in",
    async run({ tenants }: World) {
      const { good, evil, ask } = tenants;
      const origin = originOf(good, evil);
      const headers: Header[] = [
        ["Cookie", good.bob],
        ...more,
        ...(origin === null ? [] : ([["Origin", origin]] as Header[])),
      ];
      const { status } = await ask(good.origin, method, target, headers);
      const own = await ask(good.origin, "GET", "/_gate/session", [["Cookie", good.bob]]);
      return `${status}, bob ${own.status === 200 ? "still signed in" : "signed out"}`;
    },
  }));
});

/** Hosts that two parsers may read differently: whose cookie is it? */
const HOSTS: [name: string, head: (evil: TenantSite, good: TenantSite) => string][] = [
  [
    "an absolute target of the neighbour's",
    (evil, good) => `GET ${good.origin}/page HTTP/1.1\r\nHost: ${evil.host}\r\n`,
  ],
  ["two hosts", (evil, good) => `GET /page HTTP/1.1\r\nHost: ${evil.host}\r\nHost: ${good.host}\r\n`],
  ["two hosts in one line", (evil, good) => `GET /page HTTP/1.1\r\nHost: ${evil.host}, ${good.host}\r\n`],
  [
    "a forwarded host",
    (evil, good) => `GET /page HTTP/1.1\r\nHost: ${evil.host}\r\nX-Forwarded-Host: ${good.host}\r\n`,
  ],
  ["a host with a user", (evil, good) => `GET /page HTTP/1.1\r\nHost: ${evil.host}@${good.host}\r\n`],
  ["a host with a path", (_evil, good) => `GET /page HTTP/1.1\r\nHost: ${good.host}/x\r\n`],
  ["a host in capitals", (_evil, good) => `GET /page HTTP/1.1\r\nHost: ${good.host.toUpperCase()}\r\n`],
  ["a host with a dot behind it", (_evil, good) => `GET /page HTTP/1.1\r\nHost: ${good.host.replace(":", ".:")}\r\n`],
  ["no host", () => "GET /page HTTP/1.1\r\n"],
  ["an unknown host", () => "GET /page HTTP/1.1\r\nHost: nobody.example\r\n"],
];
const hosts: Attempt[] = HOSTS.map(([name, head]) => ({
  id: `credential/${name}`,
  threat: "T5",
  tried: `bob's cookie of the hostile tenant with ${name}`,
  expected: "never the neighbour's page",
  async run({ tenants }: World) {
    const { evil, good, port } = tenants;
    const cookies = `Cookie: ${evil.bob}; __Host-tidegate-good=${valueOf(evil.bob)}\r\n`;
    const received = await typeBytes(port, `${head(evil, good)}${cookies}Connection: close\r\n\r\n`);
    return received.includes(good.body)
      ? `the neighbour's page (${statusesIn(received).join()})`
      : "never the neighbour's page";
  },
}));

export const ORIGIN_ATTEMPTS: Attempt[] = [...foreign, ...hosts];
