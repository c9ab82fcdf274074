import { statusOf } from "./openclaw.ts";
import { ScriptError } from "./script-error.ts";

const PROBE_TIMEOUT_MS = 5000;
const PROTOCOL_VERSION = 4;

export interface OwnOpenClaw {
  url: string;
  gatewayPassword: string;
  userHeader: string;
  agentAddress: string;
}

/** The part of OpenClaw's configuration that decides whether it believes the agent. */
interface GatewaySettings {
  trustedProxies?: string[];
  auth?: { mode?: string; trustedProxy?: { userHeader?: string; allowLoopback?: boolean } };
}

/**
 * Checks that the user's own OpenClaw is set up for a gateway before it; changes nothing there.
 * @throws {ScriptError} openclaw_not_reachable | not_trusted_proxy, naming the first thing to change
 */
export async function checkOwnOpenClaw(own: OwnOpenClaw): Promise<void> {
  if ((await statusOf(`${own.url}/readyz`)) !== 200) {
    throw new ScriptError(
      "openclaw_not_reachable",
      `OPENCLAW_URL=${own.url} does not answer GET /readyz with 200. Is it running?`,
    );
  }
  const fault = findFault(await readGatewaySettings(own), own);
  if (fault)
    throw new ScriptError("not_trusted_proxy", `OpenClaw at ${own.url}: ${fault}. Start anyway: npm start -- --force`);
}

/** The first setting that would keep people out, in words; undefined when all is well. */
export function findFault(settings: GatewaySettings | undefined, own: Omit<OwnOpenClaw, "url">): string | undefined {
  if (settings === undefined) {
    return "it refuses OPENCLAW_GATEWAY_PASSWORD. It must run with gateway.auth.mode trusted-proxy and that gateway.auth.password";
  }
  const { auth, trustedProxies } = settings;
  if (auth?.mode !== "trusted-proxy")
    return `gateway.auth.mode is ${auth?.mode ?? "not set"}; it must be trusted-proxy`;
  if (!trustedProxies?.includes(own.agentAddress)) return `gateway.trustedProxies must hold ${own.agentAddress}`;
  if (auth.trustedProxy?.allowLoopback !== true) return "gateway.auth.trustedProxy.allowLoopback must be true";
  const userHeader = auth.trustedProxy.userHeader?.toLowerCase();
  if (userHeader !== own.userHeader.toLowerCase()) {
    return `gateway.auth.trustedProxy.userHeader is ${userHeader ?? "not set"}; set OPENCLAW_USER_HEADER to the same name`;
  }
  return undefined;
}

/** Asks OpenClaw for its configuration over its own socket; undefined when it refuses the password. */
function readGatewaySettings({ url, gatewayPassword }: OwnOpenClaw): Promise<GatewaySettings | undefined> {
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  const ask = (id: string, method: string, params: object): void =>
    socket.send(JSON.stringify({ type: "req", id, method, params }));
  const client = { id: "gateway-client", version: "1", platform: process.platform, mode: "backend" };
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(), PROBE_TIMEOUT_MS);
    socket.onclose = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as {
        event?: string;
        id?: string;
        ok?: boolean;
        payload?: { config?: { gateway?: GatewaySettings } };
      };
      if (message.event === "connect.challenge") {
        ask("connect", "connect", {
          minProtocol: PROTOCOL_VERSION,
          maxProtocol: PROTOCOL_VERSION,
          client,
          role: "operator",
          scopes: ["operator.read"],
          caps: [],
          auth: { password: gatewayPassword },
        });
      } else if (message.id === "connect" && message.ok) {
        ask("settings", "config.get", {});
      } else if (message.id !== undefined) {
        resolve(message.ok ? (message.payload?.config?.gateway ?? {}) : undefined);
        socket.close();
      }
    };
  });
}
