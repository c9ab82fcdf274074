/** Learns all that `doctor` judges by; a part that fails is a fact, too. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readAgentKey } from "../agent-key.ts";
import { CommandError, type CommandContext } from "../commands/command.ts";
import { ConfigError, readConfig } from "../config.ts";
import { createOpenclawClient, type Profile } from "../identity/openclaw-client.ts";
import { readConfigFile } from "../openclaw/config-file.ts";
import { findReadOnly, findTokenVariable } from "../openclaw/hindrances.ts";
import {
  findInstallation,
  findWorkspaces,
  getSetting,
  readSandboxMode,
  readSettings,
  requireSupported,
} from "../openclaw/installation.ts";
import { findOpenClawCli } from "../openclaw/openclaw-cli.ts";
import { probe, PROBE_USER } from "../openclaw/probe.ts";
import { hasNoExec } from "../openclaw/tools.ts";
import { type AgentFile, type Enrolment, type OpenClawLink, readAgentFile } from "../state/agent-file.ts";
import type { EdgeFacts, Facts, OpenClawFacts, ProbeFacts, StateFacts, Trouble } from "./facts.ts";
import { lookAtWorkspaces } from "./look-at-workspaces.ts";

const EDGE_TIMEOUT_MS = 10_000;
const ANOTHER_ADDRESS = "127.0.0.1";

type Known = Enrolment & OpenClawLink;

export async function gatherFacts(context: CommandContext): Promise<Facts> {
  const { folder, env, flags } = context;
  const [agent, trouble] = readState(folder);
  const known = isKnown(agent) ? agent : null;
  const [edge, found, probes] = await Promise.all([
    agent.url === undefined ? null : askEdge(agent.url, context),
    coded(() => askOpenClaw(flags["openclaw"] as string | undefined, env)),
    known === null ? null : askAsAgent(known, env),
  ]);
  const openclaw = "code" in found ? found : found.facts;
  const openclawFolders = "code" in found ? null : found.workspaces;
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? null,
    nodeVersion: process.versions.node,
    state: judgeState(folder, env, agent, trouble),
    edge,
    openclaw,
    wanted:
      known === null
        ? null
        : { localAddress: known.localAddress, userHeader: known.userHeader, publicOrigin: originOf(known) },
    admins: agent.admins ?? "roles",
    probes,
    workspace:
      known === null
        ? null
        : await lookAtWorkspaces([known.workspace, ...(known.otherWorkspaces ?? [])], openclawFolders),
  };
}

function readState(folder: string): [AgentFile, Trouble | null] {
  try {
    return [readAgentFile(folder), null];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [{}, error];
  }
}

function judgeState(folder: string, env: NodeJS.ProcessEnv, agent: AgentFile, trouble: Trouble | null): StateFacts {
  const problems: string[] = trouble === null ? [] : [trouble.message];
  const enrolled = agent.url !== undefined && agent.agentId !== undefined;
  const configured = agent.userHeader !== undefined;
  if (enrolled && configured) problems.push(...configProblems(folder, env));
  else if (enrolled) problems.push(...keyProblems(folder));
  return { folder, enrolled, configured, problems };
}

function configProblems(folder: string, env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(folder, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => `${problem}.`);
  }
}

function keyProblems(folder: string): string[] {
  try {
    readAgentKey(join(folder, "agent.key"));
    return [];
  } catch (error) {
    return [`agent.key: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}.`];
  }
}

async function askEdge(url: string, { fetch, nowMs }: CommandContext): Promise<EdgeFacts> {
  const { host } = new URL(url);
  const askedMs = nowMs();
  try {
    const response = await fetch(new URL("/_gate/healthz", url), {
      redirect: "manual",
      signal: AbortSignal.timeout(EDGE_TIMEOUT_MS),
    });
    await response.body?.cancel();
    const edgeMs = Date.parse(response.headers.get("date") ?? "");
    // The header has whole seconds, and was written half-way.
    const clockOffsetMs = Number.isNaN(edgeMs) ? null : edgeMs + 500 - (askedMs + nowMs()) / 2;
    return { host, status: response.status, error: null, clockOffsetMs };
  } catch (error) {
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    return { host, status: null, error: String(code ?? (error as Error).name), clockOffsetMs: null };
  }
}

async function askOpenClaw(
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ facts: OpenClawFacts; workspaces: string[] }> {
  const cli = findOpenClawCli(named, env);
  await requireSupported(cli);
  const installation = await findInstallation(cli);
  const { version, configPath, running } = installation;
  const [settings, workspaces, sandboxMode, tools] = await Promise.all([
    readSettings(cli),
    findWorkspaces(cli),
    readSandboxMode(cli),
    getSetting(cli, "tools"),
  ]);
  return {
    workspaces,
    facts: {
      version,
      configPath,
      configMode: process.platform === "win32" ? null : readConfigFile(configPath).mode,
      running: running !== null,
      uid: running?.pid == null ? null : userOf(running.pid),
      settings,
      readOnly: findReadOnly(env),
      tokenVariable: findTokenVariable(installation, env),
      sandboxMode,
      execDenied: hasNoExec(tools),
    },
  };
}

async function askAsAgent(known: Known, env: NodeJS.ProcessEnv): Promise<ProbeFacts> {
  const { hostname: host, port } = new URL(known.openclawUrl);
  const { localAddress, userHeader, publicHost } = known;
  const target = { host, port: Number(port), userHeader, publicHost };
  const [asPerson, asNobody, forged, backend] = await Promise.all([
    probe(target, localAddress, PROBE_USER),
    probe(target, localAddress, null),
    localAddress === ANOTHER_ADDRESS ? null : probe(target, ANOTHER_ADDRESS, PROBE_USER),
    listProfiles({ ...target, localAddress }, publicHost, env["OPENCLAW_GATEWAY_PASSWORD"] || known.openclawPassword),
  ]);
  return { asPerson, asNobody, forged, ...backend };
}

async function listProfiles(
  address: Parameters<typeof createOpenclawClient>[0],
  publicHost: string,
  password: string | undefined,
) {
  if (password === undefined) return { backendError: "there is no password", sharedProfiles: 0 };
  try {
    const profiles = await createOpenclawClient(address, publicHost, password).withBackend((backend) =>
      backend.listProfiles(),
    );
    return { backendError: null, sharedProfiles: profiles.filter(isShared).length };
  } catch (error) {
    return { backendError: (error as Error).message, sharedProfiles: 0 };
  }
}

function isShared({ emails, mergedInto }: Profile): boolean {
  return mergedInto == null && new Set(emails.map((email) => email.toLowerCase())).size > 1;
}

async function coded<T>(ask: () => Promise<T>): Promise<T | Trouble> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.code, message: error.message };
  }
}

function isKnown(agent: AgentFile): agent is Known {
  const { url, publicHost, openclawUrl, workspace, userHeader, localAddress } = agent;
  return [url, publicHost, openclawUrl, workspace, userHeader, localAddress].every(
    (value) => typeof value === "string",
  );
}

function originOf({ url, publicHost }: Known): string {
  return `${new URL(url).protocol}//${publicHost}`;
}

function userOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}
