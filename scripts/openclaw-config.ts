import { join } from "node:path";

export interface OpenClawConfigOptions {
  port: number;
  workspace: string;
  logFile: string;
  /** The only address whose identity headers OpenClaw believes: the agent's. */
  agentAddress: string;
  /** A name nobody outside knows, so that another local program cannot present an identity by accident. */
  userHeader: string;
  gatewayPassword: string;
  publicOrigin: string;
  /** E-mail address → scopes beyond those everybody has; only for a release whose list the agent leaves alone. */
  identityScopes?: Record<string, string[]> | undefined;
  model: ModelChoice;
  /** OpenClaw's own `gateway.roles`; default: none, and everybody shares all sessions. */
  roles?: object | undefined;
  /** Ids of agents beside the main one; each has its workspace in a folder of the main one's. */
  otherAgents?: readonly string[] | undefined;
}

export type ModelChoice =
  { type: "demo"; baseUrl: string } | { type: "openai"; apiKey: string } | { type: "anthropic"; apiKey: string };

/** The variable that carries the provider's key to OpenClaw; the file only names it. */
export const MODEL_KEY_VARIABLE = "TIDEGATE_MODEL_KEY";

/** What every verified person may do; operator.admin comes by name only, which the agent sees to. */
const EVERYBODY = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];

/** OpenClaw's configuration for `npm start`: trusted-proxy mode, loopback only, nothing that calls home. */
export function openClawConfig(options: OpenClawConfigOptions): object {
  const { primary, provider, settings } = modelSettings(options.model);
  return {
    update: { checkOnStart: false, auto: { enabled: false } },
    telemetry: { enabled: false },
    discovery: { mdns: { mode: "off" } },
    cron: { enabled: false },
    plugins: { enabled: false },
    logging: { file: options.logFile },
    gateway: {
      mode: "local",
      port: options.port,
      bind: "loopback",
      trustedProxies: [options.agentAddress],
      auth: {
        mode: "trusted-proxy",
        password: options.gatewayPassword,
        ...(options.identityScopes === undefined ? {} : { identityScopes: options.identityScopes }),
        trustedProxy: {
          userHeader: options.userHeader,
          requiredHeaders: ["x-forwarded-proto", "x-forwarded-host"],
          allowLoopback: true,
          deviceAutoApprove: { enabled: true, scopes: EVERYBODY },
        },
      },
      ...(options.roles === undefined ? {} : { roles: options.roles }),
      controlUi: { enabled: true, allowedOrigins: [options.publicOrigin] },
    },
    agents: {
      defaults: { model: { primary }, workspace: options.workspace },
      ...(options.otherAgents === undefined ? {} : { entries: agentEntries(options.otherAgents) }),
    },
    models: { mode: "replace", catalogRefresh: { enabled: false }, providers: { [provider]: settings } },
  };
}

function agentEntries(others: readonly string[]): object {
  return { main: { default: true }, ...Object.fromEntries(others.map((id) => [id, {}])) };
}

/** Where a profile keeps what; everything OpenClaw writes is below `folder`. */
export function profilePaths(folder: string) {
  const stateFolder = join(folder, "state");
  return {
    homeFolder: join(folder, "home"),
    stateFolder,
    temporaryFolder: join(folder, "tmp"),
    configPath: join(folder, "openclaw.json"),
    workspace: join(stateFolder, "workspace"),
    logFile: join(folder, "openclaw.log"),
    outputFile: join(folder, "output.log"),
  };
}

function modelSettings(model: ModelChoice) {
  switch (model.type) {
    case "demo":
      return describeModel("demo", "demo", "Demo model (no key)", "openai-completions", model.baseUrl, "no-key");
    case "openai":
      return describeModel("openai", "gpt-5.4", "GPT-5.4", "openai-completions", "https://api.openai.com/v1");
    case "anthropic":
      return describeModel(
        "anthropic",
        "claude-sonnet-4-6",
        "Claude Sonnet 4.6",
        "anthropic-messages",
        "https://api.anthropic.com",
      );
  }
}

function describeModel(
  provider: string,
  id: string,
  name: string,
  api: string,
  baseUrl: string,
  apiKey = `\${${MODEL_KEY_VARIABLE}}`,
) {
  const model = {
    id,
    name,
    reasoning: false,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 128_000,
    maxTokens: 8192,
  };
  return { primary: `${provider}/${id}`, provider, settings: { baseUrl, apiKey, api, models: [model] } };
}
