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

/** What OpenClaw said when it was asked for its settings; `no_openclaw` when it is something else that listens there. */
export type ProbeAnswer =
  | { type: "settings"; settings: GatewaySettings }
  | { type: "refused"; code: string; message: string }
  | { type: "no_openclaw" };

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
  const answer = await askForSettings(own);
  if (answer.type === "no_openclaw") {
    throw new ScriptError(
      "openclaw_not_reachable",
      `what listens at OPENCLAW_URL=${own.url} is not an OpenClaw gateway`,
    );
  }
  const fault = findFault(answer, own);
  if (fault)
    throw new ScriptError("not_trusted_proxy", `OpenClaw at ${own.url}: ${fault}. Start anyway: npm start -- --force`);
}

/** The first setting that would keep people out, in words; undefined when all is well. */
export function findFault(
  answer: Exclude<ProbeAnswer, { type: "no_openclaw" }>,
  own: Omit<OwnOpenClaw, "url">,
): string | undefined {
  if (answer.type === "refused") {
    if (answer.code.startsWith("AUTH_TOKEN_")) return "gateway.auth.mode is token; it must be trusted-proxy";
    return `it refuses OPENCLAW_GATEWAY_PASSWORD, which must be its gateway.auth.password (it says: ${answer.message})`;
  }
  const { auth, trustedProxies } = answer.settings;
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

interface SocketMessage {
  event?: string;
  id?: string;
  ok?: boolean;
  payload?: { config?: { gateway?: GatewaySettings } };
  error?: { message?: string; details?: { code?: string } };
}

/** Asks OpenClaw for its configuration over its own socket. */
function askForSettings({ url, gatewayPassword }: OwnOpenClaw): Promise<ProbeAnswer> {
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  const ask = (id: string, method: string, params: object): void =>
    socket.send(JSON.stringify({ type: "req", id, method, params }));
  const client = { id: "gateway-client", version: "1", platform: process.platform, mode: "backend" };
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(), PROBE_TIMEOUT_MS);
    const settle = (answer: ProbeAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      socket.close();
    };
    socket.onclose = () => settle({ type: "no_openclaw" });
    socket.onmessage = ({ data }) => {
      const message = parseMessage(String(data));
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
      } else if (message.id !== undefined && message.ok !== true) {
        const { message: text = "no reason given", details } = message.error ?? {};
        settle({ type: "refused", code: details?.code ?? "", message: text });
      } else if (message.id === "connect") {
        ask("settings", "config.get", {});
      } else if (message.id === "settings") {
        settle({ type: "settings", settings: message.payload?.config?.gateway ?? {} });
      }
    };
  });
}

/** Anything may listen at that address: what is no message of OpenClaw's reads as an empty one. */
function parseMessage(text: string): SocketMessage {
  try {
    return (JSON.parse(text) as SocketMessage | null) ?? {};
  } catch {
    return {};
  }
}
