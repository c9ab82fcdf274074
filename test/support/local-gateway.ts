/** Both scripts in workerd and the real agent in a process of its own, against an origin of the caller's. */
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgent, writeAgentSettings } from "../../scripts/agent.ts";
import { startEdge, type Edge, type EdgeOptions } from "../../scripts/edge.ts";
import { rootFolder } from "../../scripts/paths.ts";
import type { Child } from "../../scripts/keep-running.ts";
import { findProcess, listDescendants, listProcesses } from "../../scripts/processes.mjs";
import { gatewayPublicKey, openAgentKey, openSecrets } from "../../scripts/secrets.ts";

const TENANT = "default";
/** The tenant's only object. */
export const OBJECT_NAME = `${TENANT}/0`;
export const USER_HEADER = "x-test-user";
const READY_POLL_MS = 20;

export interface LocalGatewayOptions {
  /** Secrets, stored sessions, the agent's key and the workspace. */
  home: string;
  /** Where workerd listens. */
  port: number;
  /** The port of the public address, when something stands between the agent and workerd; default `port`. */
  publicPort?: number;
  originPort: number;
  /** Where its console is; none: there is none. */
  consolePort?: number;
  /** `alice@example.com,bob@example.com` */
  users: string;
  entries?: EdgeOptions["entries"];
  assetsFolder?: string;
}

export interface LocalGateway {
  edge: Edge;
  port: number;
  /** The public address, which every request names in `Host`, and every write in `Origin`. */
  host: string;
  origin: string;
  /** workerd's process. */
  workerd: number;
  startAgent(onLog: (line: string) => void, nodeArgs?: string[]): Child;
  /** @returns the cookie of a new session */
  signIn(email: string): Promise<string>;
  signOut(cookie: string): Promise<void>;
  isReady(): Promise<boolean>;
  /** @throws when no agent is connected after `timeoutMs` */
  ready(timeoutMs: number): Promise<void>;
}

export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const { home, port } = options;
  const secrets = openSecrets(home);
  const folder = join(home, "agent");
  const { agentId, publicKey } = openAgentKey(folder);
  const host = `localhost:${options.publicPort ?? port}`;
  const origin = `http://${host}`;
  const before = new Set(listProcesses().map(({ pid }) => pid));
  const { consolePort } = options;
  const edge = await startEdge({
    port,
    consolePort,
    stateFolder: join(home, "edge"),
    assetsFolder: options.assetsFolder,
    gatewayVars: {
      AUTHSEC_MODE: "stub",
      ENVIRONMENT: "development",
      PUBLIC_URL: origin,
      STUB_USERS: options.users,
      SESSION_SECRET: secrets.sessionSecret,
      AGENT_KEYS: `${agentId}:${publicKey}`,
      ...(consolePort === undefined ? {} : { CONSOLE_ORIGIN: `http://localhost:${consolePort}` }),
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey },
    entries: options.entries ?? {
      gateway: join(rootFolder, "test/chaos/edge/unlimited-gateway.ts"),
      tenant: join(rootFolder, "durable-objects/index.ts"),
    },
  });
  writeAgentSettings(folder, {
    agentId,
    url: origin,
    tenant: TENANT,
    gatewayKey: gatewayPublicKey(secrets.storageKey, TENANT),
    openclawUrl: `http://127.0.0.1:${options.originPort}`,
    workspace: home,
    userHeader: USER_HEADER,
    localAddress: "127.77.0.1",
    publicHost: host,
  });
  const [workerd] = listDescendants(process.pid).filter(
    ({ pid }) => !before.has(pid) && findProcess(pid)?.name === "workerd",
  );
  const isReady = async () => (await call(port, { host }, "GET", "/_gate/readyz")).status === 200;
  return {
    edge,
    port,
    host,
    origin,
    workerd: workerd?.pid ?? 0,
    startAgent: (onLog, nodeArgs) => startAgent(folder, "not asked for", onLog, nodeArgs),
    isReady,
    async ready(timeoutMs) {
      for (const until = Date.now() + timeoutMs; !(await isReady()); await sleep(READY_POLL_MS)) {
        if (Date.now() > until) throw new Error(`no agent connected within ${timeoutMs} ms`);
      }
    },
    async signIn(email) {
      const headers = { host, origin, "content-type": "application/x-www-form-urlencoded" };
      const { setCookie } = await call(port, headers, "POST", "/_gate/login", `email=${encodeURIComponent(email)}`);
      if (setCookie === undefined) throw new Error(`${email} could not sign in`);
      return setCookie.split(";")[0] ?? "";
    },
    async signOut(cookie) {
      await call(port, { host, origin, cookie }, "POST", "/_gate/logout");
    },
  };
}

/** One small exchange on a connection of its own. `fetch` does not let a caller name the host. */
function call(port: number, headers: Record<string, string>, method: string, path: string, body = "") {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; setCookie: string | undefined }>();
  const outgoing = request({ host: "127.0.0.1", port, method, path, headers, agent: false });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    response.resume();
    const setCookie = response.headers["set-cookie"]?.[0];
    response.on("end", () => resolve({ status: response.statusCode ?? 0, setCookie }));
  });
  outgoing.end(body);
  return promise;
}
