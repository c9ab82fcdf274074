/** T3: a signed-in user's headers against those by which OpenClaw knows who they are and what they may. */
import { exchange, type Header, valuesOf } from "../support/http-exchange.ts";
import { GatewaySession } from "../support/gateway-session.ts";
import type { Attempt } from "./attempt.ts";
import { PEOPLE, outcome } from "./real-openclaw.ts";
import { ADDRESS, USER_HEADER } from "./two-tenants.ts";
import type { World } from "./world.ts";

const MINE = "mallory@evil.example";
/** What each of ours is given instead, wherever it is spelled. */
const FORGED: Record<string, string> = {
  [USER_HEADER]: MINE,
  "x-forwarded-user": MINE,
  "x-openclaw-scopes": "operator.admin",
  "x-forwarded-for": "203.0.113.66",
  "x-forwarded-proto": "gopher",
  "x-forwarded-host": "evil.example",
  forwarded: `for=203.0.113.66;host=evil.example`,
  "x-real-ip": "203.0.113.66",
  "cf-connecting-ip": "203.0.113.66",
  "true-client-ip": "203.0.113.66",
  "cf-access-jwt-assertion": "forged",
  "cf-access-authenticated-user-email": MINE,
  "x-original-url": "/tools/invoke",
  "x-rewrite-url": "/tools/invoke",
  "x-http-method-override": "DELETE",
  "x-tidegate-call": "{}",
  "x-tidegate-relay": "{}",
  "x-tidegate-settings": "{}",
  "x-tidegate-error": "renewal_due",
  authorization: "Bearer forged",
  "proxy-authorization": "Basic Zm9yZ2Vk",
  expect: "100-continue",
};

/** Ways of writing one name that some parser, somewhere, takes for it. */
function spellings(name: string): string[] {
  const capitals = name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());
  return [...new Set([name, capitals, name.toUpperCase(), name.replaceAll("-", "_"), `${name}_`])];
}

interface Trick {
  name: string;
  headers: Header[];
}

const tricks: Trick[] = [
  ...Object.entries(FORGED).flatMap(([name, value]) =>
    spellings(name).map((spelling) => ({ name: spelling, headers: [[spelling, value]] as Header[] })),
  ),
  ...Object.entries(FORGED).map(([name, value]) => ({
    name: `${name} twice`,
    headers: [
      [name, value],
      [name, value],
    ] as Header[],
  })),
  {
    name: "Connection that names ours",
    headers: [["Connection", `x-openclaw-scopes, ${USER_HEADER}, x-forwarded-for, x-forwarded-host, host, cookie`]],
  },
  {
    name: "Connection that names cookie, and keep-alive",
    headers: [["Connection", "keep-alive, Cookie, X-Tidegate-Relay"]],
  },
  { name: "TE", headers: [["TE", "trailers, x-openclaw-scopes"]] },
];

/** Exactly one of each of ours, with the session's values, and nothing of the client's. */
const GENUINE = "each of ours once, with bob's values; nothing forged";

function inspect(received: Header[], host: string): string {
  const ours: Record<string, string> = {
    [USER_HEADER]: "bob@example.com",
    "x-forwarded-for": ADDRESS,
    "x-forwarded-proto": "https",
    "x-forwarded-host": host,
    "x-openclaw-scopes": "operator.read,operator.write,operator.questions",
    host,
  };
  for (const [name, value] of Object.entries(ours)) {
    const values = valuesOf(received, name);
    if (values.length !== 1 || values[0] !== value) return `${name}: ${JSON.stringify(values)}`;
  }
  const allowed = new Set([...Object.keys(ours), "connection", "accept-encoding"]);
  const more = received.map(([name]) => name.toLowerCase()).filter((name) => !allowed.has(name));
  return more.length === 0 ? GENUINE : `besides: ${more.join(", ")}`;
}

const relayed: Attempt[] = tricks.map(({ name, headers }) => ({
  id: `header/${name}`,
  threat: "T3",
  tried: `${headers.map(([header, value]) => `${header}: ${value}`).join(", ")} on a request of bob's`,
  expected: GENUINE,
  // Some are the platform's to refuse, before anything of ours sees them.
  fits: new RegExp(`^(${GENUINE}|nothing arrived: 400)$`),
  async run({ tenants }: World) {
    const { good, ask } = tenants;
    const target = `/headers/${crypto.randomUUID()}`;
    const { status } = await ask(good.origin, "GET", target, [["Cookie", good.bob], ...headers]);
    const received = good.openclaw.asked(target)[0];
    if (received === undefined) return `nothing arrived: ${status}`;
    return inspect(received, good.host);
  },
}));

/** What OpenClaw itself makes of it, with all that its own host knows: the name of the header, and its password. */
const before: Attempt[] = [
  {
    id: "header/scopes at OpenClaw",
    threat: "T3",
    tried: "POST /tools/invoke with x-openclaw-scopes: operator.admin, the user's header and OpenClaw's password",
    expected: "403",
    async run({ real }) {
      const { host, port } = new URL(real.url);
      const body = Buffer.from(JSON.stringify({ tool: "sessions_list", args: {} }));
      const { status } = await exchange(Number(port), {
        method: "POST",
        target: "/tools/invoke",
        headers: [
          ["Host", host],
          ["Origin", real.url],
          ["Cookie", real.cookies.user],
          ["Content-Type", "application/json"],
          ["Content-Length", String(body.length)],
          ...insideKnowledge(real),
        ],
        body: [body],
      });
      return String(status);
    },
  },
  {
    id: "header/identity at OpenClaw",
    threat: "T3",
    tried: "bob's socket with alice's name in the true user header, admin scopes and OpenClaw's password",
    expected: "bob, config.get: operator.admin",
    async run({ real }) {
      const session = await GatewaySession.open(real.url, real.cookies.user, { headers: insideKnowledge(real) });
      const self = (await session.request("users.self")).payload as { profile: { id: string } };
      const config = outcome(await session.request("config.get"));
      session.close();
      const who = self.profile.id === real.profiles.user ? "bob" : `somebody else (${self.profile.id})`;
      return `${who}, config.get: ${config}`;
    },
  },
];

function insideKnowledge({ secrets }: World["real"]): Header[] {
  return [
    [secrets.userHeader, PEOPLE.admin],
    ["X-Forwarded-User", PEOPLE.admin],
    ["X-OpenClaw-Scopes", "operator.admin"],
    ["Authorization", `Bearer ${secrets.gatewayPassword}`],
  ];
}

export const HEADERS: Attempt[] = [...relayed, ...before];
