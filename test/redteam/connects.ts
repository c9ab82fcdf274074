/** T2: the first request of a socket, by which OpenClaw learns what is connected, and whether it learns anything false. */
import { GatewaySession } from "../support/gateway-session.ts";
import type { Attempt } from "./attempt.ts";
import { outcome, type RealOpenClaw } from "./real-openclaw.ts";

/** Paths that OpenClaw serves by the gateway protocol, whatever they look like. */
const PATHS = ["/tools/invoke", "/__OPENCLAW__/worker", "/%5f_openclaw__/worker", "/v1/chat/completions", "/x?y=1"];

const elsewhere: Attempt[] = PATHS.map((path) => ({
  id: `connect/user at ${path}`,
  threat: "T2",
  tried: `the user's socket at ${path}, and config.get on it`,
  expected: "the user; refused: operator.admin",
  async run({ real }) {
    const session = await GatewaySession.open(real.url, real.cookies.user, { path });
    try {
      return `${await who(real, session)}; refused: ${outcome(await session.request("config.get"))}`;
    } finally {
      session.close();
    }
  },
}));

const posing: [name: string, params: object, expected: RegExp][] = [
  ["as a node", { role: "node", scopes: [], commands: ["system.run"] }, /^NOT_PAIRED|^INVALID_REQUEST/],
  ["with an old protocol", { minProtocol: 1, maxProtocol: 1 }, /^INVALID_REQUEST: protocol mismatch/],
];

const refused: Attempt[] = posing.map(([name, params, fits]) => ({
  id: `connect/user ${name}`,
  threat: "T2",
  tried: `the user's connect ${name}`,
  expected: "refused by OpenClaw",
  fits,
  async run({ real }) {
    try {
      const session = await GatewaySession.open(real.url, real.cookies.user, { params });
      session.close();
      return "connected";
    } catch (error) {
      const { code, message } = JSON.parse((error as Error).message.replace("connect: ", "")) as Record<string, string>;
      return `${code}: ${message}`;
    }
  },
}));

/** What would open everything on OpenClaw's own loopback opens nothing through the gateway. */
const password: Attempt = {
  id: "connect/user with OpenClaw's password",
  threat: "T2",
  tried: "the user's connect with OpenClaw's own password, and update.status",
  expected: "the user; refused: operator.admin",
  async run({ real }) {
    const params = { auth: { password: real.secrets.gatewayPassword } };
    const session = await GatewaySession.open(real.url, real.cookies.user, { params });
    try {
      return `${await who(real, session)}; refused: ${outcome(await session.request("update.status"))}`;
    } finally {
      session.close();
    }
  },
};

const again: Attempt = {
  id: "connect/user twice",
  threat: "T2",
  tried: "a second connect on the user's socket, as another client with an admin's scopes",
  expected: "refused; still the user",
  async run({ real }) {
    const client = { id: "cli", version: "1", platform: "x", mode: "cli" };
    const params = { minProtocol: 4, maxProtocol: 4, client, role: "operator", scopes: ["operator.admin"] };
    const session = await GatewaySession.open(real.url, real.cookies.user);
    try {
      const { ok } = await session.request("connect", params);
      return `${ok ? "connected" : "refused"}; still ${await who(real, session)}`;
    } finally {
      session.close();
    }
  },
};

async function who(real: RealOpenClaw, session: GatewaySession): Promise<string> {
  const answer = await session.request("users.self");
  if (!answer.ok) return outcome(answer);
  const { id } = (answer.payload as { profile: { id: string } }).profile;
  return id === real.profiles.user ? "the user" : `somebody else (${id})`;
}

export const CONNECTS: Attempt[] = [...elsewhere, ...refused, password, again];
