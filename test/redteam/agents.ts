/** T8: somebody poses as a tenant's agent, with what can be overheard or is their own. */
import { generateKeyPairSync } from "node:crypto";
import WebSocket from "ws";
import { type Challenge, decodeMessage, type SignedMessage } from "#protocol/messages.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { agentKeyFromPem } from "../../workspace-agent/agent-key.ts";
import { CommandError } from "../../workspace-agent/commands/command.ts";
import { type AgentConfig, readConfig } from "../../workspace-agent/config.ts";
import { assertion, hello } from "../../workspace-agent/connection/handshake.ts";
import { callGateway } from "../../workspace-agent/enrolment/gateway-call.ts";
import { type Header } from "../support/http-exchange.ts";
import type { Attempt } from "./attempt.ts";
import { lookAround, UNAFFECTED } from "./neighbours.ts";
import type { TenantSite, TwoTenants } from "./two-tenants.ts";
import type { World } from "./world.ts";

const MINUTE_MS = 60_000;
const REFUSED = `upgrade refused 401, ${UNAFFECTED}`;

/** Upgrades that are refused before any object hears of them. */
const UPGRADES: [name: string, authorization: (tenants: TwoTenants) => string | undefined][] = [
  ["nothing", () => undefined],
  [
    "another agent's name",
    ({ good, evil }) => assertion(identityOf(evil), Date.now()).replace("agent-of-evil", `agent-of-${good.id}`),
  ],
  ["the hostile tenant's own assertion", ({ evil }) => assertion(identityOf(evil), Date.now())],
  [
    "an assertion of the hostile key for this host",
    ({ evil, good }) => assertion({ ...identityOf(evil), url: identityOf(good).url }, Date.now()),
  ],
  [
    "the true agent's assertion of ten minutes ago",
    ({ good }) => assertion(identityOf(good), Date.now() - 10 * MINUTE_MS),
  ],
  ["one of ten minutes ahead", ({ good }) => assertion(identityOf(good), Date.now() + 10 * MINUTE_MS)],
  [
    "one for another host",
    ({ good, evil }) => assertion({ ...identityOf(good), url: identityOf(evil).url }, Date.now()),
  ],
  ["one without signature", ({ good }) => assertion(identityOf(good), Date.now()).replace(/\.[^.]*$/, ".")],
  ["a person's session as bearer", ({ good }) => `Bearer ${good.bob}`],
];

const refused: Attempt[] = UPGRADES.map(([name, authorizationOf]) => ({
  id: `agent/${name}`,
  threat: "T8",
  tried: `the tunnel's upgrade with ${name}`,
  expected: REFUSED,
  async run({ tenants }: World) {
    const authorization = authorizationOf(tenants);
    const said = await dialIn(tenants.good, authorization === undefined ? {} : { authorization }, () => undefined);
    return `${said}, ${await lookAround(tenants)}`;
  },
}));

const replayed: Attempt[] = [
  {
    id: "agent/a replayed upgrade",
    threat: "T8",
    tried: "the true agent's own upgrade, overheard and said again, and then silence",
    expected: `only a challenge, ${UNAFFECTED}`,
    async run({ tenants }) {
      const headers = { authorization: assertion(identityOf(tenants.good), Date.now()) };
      const kinds: string[] = [];
      await dialIn(tenants.good, headers, (message, socket) => {
        kinds.push(decodeMessage(message).type);
        // Whatever else it would be sent comes before the answer to this.
        socket.ping();
        socket.once("pong", () => socket.terminate());
        return undefined;
      });
      return `only a ${kinds.join(" and a ")}, ${await lookAround(tenants)}`;
    },
  },
  {
    id: "agent/a replayed proof",
    threat: "T8",
    tried: "the true agent's upgrade and its answer to another challenge, overheard and said again",
    expected: `closed 4401 without a greeting, ${UNAFFECTED}`,
    async run({ tenants }) {
      const identity = identityOf(tenants.good);
      const headers = { authorization: assertion(identity, Date.now()) };
      let overheard: Uint8Array | undefined;
      await dialIn(tenants.good, headers, (message, socket) => {
        overheard = hello(challengeIn(message), identity.key, 2_000_000_000, 1, null);
        socket.terminate();
        return undefined;
      });
      let greeted = "without a greeting";
      let asked = 0;
      const said = await dialIn(tenants.good, headers, () => {
        asked += 1;
        if (asked > 1) greeted = "with a greeting";
        return asked === 1 ? overheard : undefined;
      });
      return `${said} ${greeted}, ${await lookAround(tenants)}`;
    },
  },
  {
    id: "agent/a stolen name with another key",
    threat: "T8",
    tried: "the true agent's upgrade, overheard, and a proof with the thief's own key",
    expected: `closed 4401 without a greeting, ${UNAFFECTED}`,
    async run({ tenants }) {
      const headers = { authorization: assertion(identityOf(tenants.good), Date.now()) };
      const { key } = identityOf(tenants.evil);
      let messages = 0;
      const said = await dialIn(tenants.good, headers, (message) => {
        messages += 1;
        return messages === 1 ? hello(challengeIn(message), key, 2_000_000_000, 1, null) : undefined;
      });
      return `${said} ${messages === 1 ? "without a greeting" : "with a greeting"}, ${await lookAround(tenants)}`;
    },
  },
];

function challengeIn(message: Buffer): SignedMessage<Challenge> {
  const decoded = decodeMessage(message);
  if (decoded.type !== "challenge") throw new Error(`${decoded.type} instead of a challenge`);
  return decoded.message;
}

function identityOf({ agentFolder }: TenantSite): AgentConfig {
  return readConfig(agentFolder, {});
}

/** @param answer what is said to each message; nothing when undefined @returns how it ended */
function dialIn(
  site: TenantSite,
  headers: Record<string, string>,
  answer: (message: Buffer, socket: WebSocket) => Uint8Array | undefined,
): Promise<string> {
  const socket = new WebSocket(`ws://${site.agentHost}/_gate/tunnel`, SUBPROTOCOL, { headers });
  return new Promise((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      resolve(`upgrade refused ${response.statusCode}`);
      socket.terminate();
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => resolve(`closed ${code}`));
    socket.on("message", (data) => {
      const said = answer(data as Buffer, socket);
      if (said !== undefined) socket.send(said);
    });
  });
}

/** Both are what an administrator of the hostile tenant holds in hand. */
const enrolments: Attempt[] = [
  {
    id: "agent/an enrolment token of the other tenant",
    threat: "T19",
    tried: "a new key lets itself in at the neighbour's with a token of the hostile tenant's console",
    expected: `refused: token_used, ${UNAFFECTED}`,
    async run({ tenants }) {
      const { evil, good, ask, known } = tenants;
      const mallory = await consoleOf(evil, known);
      const made = await ask(evil.consoleOrigin, "POST", "/api/agents/tokens", mallory);
      const { token } = JSON.parse(String(made.body)) as { token: string };
      const introduction = { name: "a computer", openclaw: null, version: "1" };
      return `${await callAs(good, "/_gate/device/token", { token, introduction })}, ${await lookAround(tenants)}`;
    },
  },
  {
    id: "agent/an enrolment link of the other tenant",
    threat: "T19",
    tried: "the neighbour's administrator is led to approve a key that asked at the hostile tenant",
    expected: `400, ${UNAFFECTED}`,
    async run({ tenants }) {
      const { evil, good, ask, known } = tenants;
      const introduction = { name: "a computer", openclaw: null, version: "1" };
      const { request } = await callGateway(callerAt(evil), "POST", "/_gate/device", introduction);
      const alice: Header[] = [
        ["Cookie", await known(good.consoleOrigin, "alice@example.com")],
        ["Origin", good.consoleOrigin],
        ["Content-Type", "application/x-www-form-urlencoded"],
      ];
      const decided = new URLSearchParams({ request: String(request), decision: "approve" }).toString();
      const { status } = await ask(good.consoleOrigin, "POST", "/device", alice, decided);
      return `${status}, ${await lookAround(tenants)}`;
    },
  },
];

async function consoleOf(site: TenantSite, known: TwoTenants["known"]): Promise<Header[]> {
  return [
    ["Cookie", await known(site.consoleOrigin, "mallory@example.com")],
    ["Origin", site.consoleOrigin],
  ];
}

/** A computer that nobody knows yet. */
function callerAt(site: TenantSite) {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const key = agentKeyFromPem(pem);
  return {
    url: new URL(`http://${site.agentHost}`),
    key,
    agent: key.publicKey,
    pass: null,
    env: {},
    nowMs: Date.now(),
  };
}

async function callAs(site: TenantSite, path: string, content: object): Promise<string> {
  try {
    await callGateway(callerAt(site), "POST", path, content);
    return "let in";
  } catch (error) {
    if (error instanceof CommandError) return `refused: ${error.code}`;
    throw error;
  }
}

export const AGENTS: Attempt[] = [...refused, ...replayed, ...enrolments];
