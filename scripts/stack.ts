import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChatMessage } from "../demo/answer.ts";
import { startDemoModel, type DemoModel } from "../demo/model.ts";
import { startAgent, writeAgentSettings, type AgentSettings } from "./agent.ts";
import type { DevelopmentProvider } from "./development-provider.ts";
import { buildAgentAssets } from "./build-agent.ts";
import { startEdge, type Edge } from "./edge.ts";
import { withFolderLock } from "./folder-lock.mjs";
import { keepRunning, type Child, type KeptChild } from "./keep-running.ts";
import { startOidc } from "./oidc.ts";
import type { ModelChoice } from "./openclaw-config.ts";
import { followsAdministrators } from "../workspace-agent/openclaw/version.ts";
import { installOpenClaw, openClawRelease } from "./openclaw-install.ts";
import { checkOwnOpenClaw } from "./openclaw-probe.ts";
import { startOpenClaw, statusOf, type OpenClaw } from "./openclaw.ts";
import { rootFolder } from "./paths.ts";
import { findFreePort, isPortFree, nextPort, requireFreePort } from "./ports.ts";
import { endFormerRun, findLiveRun, openRunRecord } from "./run-record.ts";
import { ScriptError } from "./script-error.ts";
import { gatewayPublicKey, openAgentKey, openSecrets, type LocalSecrets } from "./secrets.ts";
import { requireUsableWorkspace, requireWorkspaceParent } from "./workspace.ts";

const TENANT = "default";
/** Not 127.0.0.1: OpenClaw believes identity headers from this address only, so other programs must aim to forge. */
const AGENT_ADDRESS = "127.77.0.1";
const READY_POLL_MS = 100;
/** It takes a second; a machine under load a few. */
const CONNECT_TIMEOUT_MS = 30_000;

export interface StackOptions {
  port: number;
  /** Secrets, the agent's identity, stored sessions and OpenClaw's profile. One run at a time. */
  home: string;
  /** `alice@example.com:admin,bob@example.com` */
  stubUsers: string;
  /** Signs in through a real OpenID provider beside the edge instead, with the deployed entry and the same people. */
  oidc?: boolean;
  /** Where that provider is, when it is to share the gateway's site. */
  providerHost?: "localhost";
  /** What that provider says of its accounts, by name. */
  groups?: Record<string, string[]>;
  /** Another entry of the gateway's, with settings that variables cannot say. */
  gatewayEntry?: string;
  /** Default: the demo model. */
  modelKey?: Exclude<ModelChoice, { type: "demo" }>;
  /** An OpenClaw that runs already; it is checked, and left as it is. */
  ownOpenClaw?: { url: string; workspace: string; gatewayPassword: string; userHeader: string; force: boolean };
  /** Added to what both scripts get, to try other settings. */
  gatewayVars?: Record<string, string>;
  tenantVars?: Record<string, string>;
  /** Its own `gateway.roles`, to try people apart. */
  openclawRoles?: object;
  /** Ids of agents of its own beside the main one. */
  otherAgents?: string[];
  wordDelayMs?: number;
  beforeWord?: () => Promise<void>;
  /** Sees each conversation that the demo model is asked about. */
  onModelRequest?: (messages: ChatMessage[]) => void;
  onEvent?: (line: string) => void;
  onAgentLog?: (line: string) => void;
  onEdgeLog?: (line: string, level: string) => void;
}

/** The whole of Tidegate on this machine, each part within reach. */
export interface Stack {
  url: string;
  consoleUrl: string;
  edge: Edge;
  /** Only with `oidc`. */
  provider?: DevelopmentProvider;
  workspace: string;
  /** Settles once a person can sign in and reach OpenClaw; rejects when that cannot happen any more. */
  ready: Promise<void>;
  /** Set once `ready` has settled well. */
  parts: { model?: DemoModel; openclaw?: KeptChild<OpenClaw>; agent?: KeptChild<Child> };
  /** Ends every part; nothing is left running. */
  stop(): Promise<void>;
}

/**
 * Starts the edge at once and the rest behind it; resolves when the edge answers.
 * @throws {ScriptError} already_running | port_in_use | state_corrupted | workspace_unusable | edge_not_started
 */
export async function startAll(options: StackOptions): Promise<Stack> {
  const say = options.onEvent ?? (() => {});
  const { home, port, ownOpenClaw } = options;
  const workspace = ownOpenClaw?.workspace ?? join(home, "openclaw", "state", "workspace");
  mkdirSync(home, { recursive: true });
  const claimed = await withFolderLock(
    join(home, "start.lock"),
    () => {},
    async () => {
      await requireNoOtherRun(home, port, say);
      if (ownOpenClaw) requireWorkspaceParent(workspace);
      requireUsableWorkspace(workspace);
      const agentKey = openAgentKey(join(home, "agent"));
      return { secrets: openSecrets(home), agentKey, record: openRunRecord(home) };
    },
  );
  const { secrets, record } = claimed;
  const { agentId, publicKey } = claimed.agentKey;
  const agentFolder = join(home, "agent");
  const publicHost = `localhost:${port}`;
  const url = `http://${publicHost}`;
  const consolePort = (await isPortFree(nextPort(port))) ? nextPort(port) : await findFreePort();
  const consoleUrl = `http://localhost:${consolePort}`;
  const { providerHost: host, groups, gatewayEntry = join(rootFolder, "worker/index.ts") } = options;
  const oidc = options.oidc ? await startOidc(url, consoleUrl, options.stubUsers, { host, groups }) : undefined;
  const assetsFolder = join(home, "assets");
  await buildAgentAssets(assetsFolder);
  const edge = await startEdge({
    port,
    consolePort,
    stateFolder: join(home, "edge"),
    assetsFolder,
    entries: oidc && {
      gateway: gatewayEntry,
      tenant: join(rootFolder, "durable-objects/index.ts"),
    },
    gatewayVars: {
      ...gatewayVars(url, secrets, options.stubUsers),
      ...oidc?.gatewayVars,
      AGENT_KEYS: `${agentId}:${publicKey}`,
      CONSOLE_ORIGIN: consoleUrl,
      ...options.gatewayVars,
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey, ...options.tenantVars },
    onLog: options.onEdgeLog,
  }).catch(async (error: unknown) => {
    await oidc?.provider.stop();
    record.close();
    throw error;
  });
  record.refresh();

  const parts: Stack["parts"] = {};
  const stopping = new AbortController();
  const settings = (openclawUrl: string, userHeader: string): AgentSettings => ({
    agentId,
    url,
    tenant: TENANT,
    gatewayKey: gatewayPublicKey(secrets.storageKey, TENANT),
    openclawUrl,
    workspace,
    otherWorkspaces: (options.otherAgents ?? []).map((id) => join(workspace, id)),
    userHeader,
    localAddress: AGENT_ADDRESS,
    publicHost,
    // Whoever signs in to this gateway chose who they are: no administrator of an OpenClaw that others use.
    admins: ownOpenClaw ? "owner" : "roles",
  });
  const startParts = async (): Promise<void> => {
    if (ownOpenClaw) {
      if (!ownOpenClaw.force) await checkOwnOpenClaw({ ...ownOpenClaw, agentAddress: AGENT_ADDRESS });
      writeAgentSettings(agentFolder, settings(ownOpenClaw.url, ownOpenClaw.userHeader));
    } else {
      const openclaw = await startOwnedOpenClaw(options, secrets, url, parts, stopping.signal, record.refresh);
      if (!openclaw) return;
      writeAgentSettings(agentFolder, settings(`http://127.0.0.1:${openclaw.current.port}`, secrets.userHeader));
      await openclaw.current.ready;
    }
    if (stopping.signal.aborted) return;
    const password = ownOpenClaw?.gatewayPassword ?? secrets.gatewayPassword;
    const start = (): Child => startAgent(agentFolder, password, options.onAgentLog ?? (() => {}));
    parts.agent = keepRunning("the agent", start, say, record.refresh);
    await waitUntilConnected(url, stopping.signal);
    record.refresh();
  };
  const ready = startParts();
  ready.catch(() => {});
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    // From the browser inwards, so that nobody meets a half that has lost its other half.
    await edge.dispose();
    await oidc?.provider.stop();
    await parts.agent?.stop();
    await parts.openclaw?.stop();
    await ready.catch(() => {});
    await parts.model?.stop();
    record.close();
  };
  return { url, consoleUrl, edge, provider: oidc?.provider, workspace, ready, parts, stop: () => (stopped ??= stop()) };
}

/** @throws {ScriptError} already_running | port_in_use */
async function requireNoOtherRun(home: string, port: number, say: (line: string) => void): Promise<void> {
  const live = findLiveRun(home);
  if (live !== undefined) {
    throw new ScriptError(
      "already_running",
      `Tidegate runs already (pid ${live}). A second one needs a folder and a port of its own: ` +
        `TIDEGATE_HOME=.tidegate-2 PORT=${nextPort(port)} npm start`,
    );
  }
  // First the leftovers of a run that was killed: they may hold the port.
  const ended = await endFormerRun(home);
  if (ended > 0) say(`ended ${ended} processes of a run that was killed`);
  await requireFreePort(port);
}

/** @throws {ScriptError} not_connected: without a limit a broken installation would wait in silence */
async function waitUntilConnected(url: string, signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + CONNECT_TIMEOUT_MS; !signal.aborted; await sleep(READY_POLL_MS)) {
    if ((await statusOf(`${url}/_gate/readyz`)) === 200) return;
    if (Date.now() < until) continue;
    throw new ScriptError(
      "not_connected",
      `the agent could not connect to the gateway within ${CONNECT_TIMEOUT_MS / 1000} s. What both said: ` +
        "LOG_LEVEL=debug npm start. If stored state is damaged: npm run reset",
    );
  }
}

/** Installs and starts the pinned OpenClaw; undefined when `signal` asked to stop meanwhile. */
async function startOwnedOpenClaw(
  options: StackOptions,
  secrets: LocalSecrets,
  publicOrigin: string,
  parts: Stack["parts"],
  signal: AbortSignal,
  onChange: () => void,
): Promise<KeptChild<OpenClaw> | undefined> {
  const say = options.onEvent ?? (() => {});
  const model = options.modelKey
    ? undefined
    : await startDemoModel({
        port: 0,
        wordDelayMs: options.wordDelayMs,
        beforeWord: options.beforeWord,
        onRequest: options.onModelRequest,
      });
  parts.model = model;
  const choice: ModelChoice = options.modelKey ?? { type: "demo", baseUrl: model?.baseUrl ?? "" };
  if (model) say("demo model (no key found: set OPENAI_API_KEY or ANTHROPIC_API_KEY for a real one)");
  const installFolder = await installOpenClaw(undefined, signal);
  const port = await findFreePort();
  // From here to `parts.openclaw` nothing waits, so that whoever stops this finds it there.
  if (signal.aborted) return undefined;
  say("starting OpenClaw");
  const start = (): OpenClaw =>
    startOpenClaw({
      folder: join(options.home, "openclaw"),
      installFolder,
      port,
      agentAddress: AGENT_ADDRESS,
      userHeader: secrets.userHeader,
      gatewayPassword: secrets.gatewayPassword,
      publicOrigin,
      identityScopes: followsAdministrators(openClawRelease()) ? undefined : adminScopes(options.stubUsers),
      model: choice,
      roles: options.openclawRoles,
      otherAgents: options.otherAgents,
    });
  parts.openclaw = keepRunning("OpenClaw", start, say, onChange);
  return parts.openclaw;
}

function gatewayVars(url: string, secrets: LocalSecrets, stubUsers: string): Record<string, string> {
  return {
    AUTHSEC_MODE: "stub",
    ENVIRONMENT: "development",
    PUBLIC_URL: url,
    STUB_USERS: stubUsers,
    SESSION_SECRET: secrets.sessionSecret,
    TENANT_NAME: "Tidegate demo",
  };
}

/** Admins of the stub's list by name, as their owner would name them. */
function adminScopes(stubUsers: string): Record<string, string[]> {
  const entries = stubUsers.split(",").map((entry) => entry.trim().split(":"));
  const admins = entries.filter(([email, role]) => email && role === "admin");
  return Object.fromEntries(admins.map(([email = ""]) => [email.toLowerCase(), ["operator.admin"]]));
}
