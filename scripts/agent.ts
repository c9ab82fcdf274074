import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeFileAtomic } from "./atomic-file.ts";
import type { Child } from "./keep-running.ts";
import { rootFolder } from "./paths.ts";
import { endProcess, processIdOf } from "./processes.mjs";

const STOP_GRACE_MS = 5000;

/** The agent's enrolment as `tidegate-agent run --state` reads it. */
export interface AgentSettings {
  agentId: string;
  url: string;
  tenant: string;
  /** Raw Ed25519 public key of the tenant's gateway, base64url. */
  gatewayKey: string;
  openclawUrl: string;
  workspace: string;
  otherWorkspaces?: string[];
  userHeader: string;
  /** The agent's own address on loopback: OpenClaw believes identity headers from here only. */
  localAddress: string;
  publicHost: string;
  admins?: "roles" | "owner";
}

/** Writes the agent's settings beside its key. */
export function writeAgentSettings(folder: string, settings: AgentSettings): void {
  writeFileAtomic(join(folder, "agent.json"), JSON.stringify(settings, undefined, 2));
}

/**
 * Runs the workspace agent from source; each line it logs goes to `onLog`.
 * @param nodeArgs options of Node itself, to profile it for instance
 */
export function startAgent(
  stateFolder: string,
  gatewayPassword: string,
  onLog: (line: string) => void,
  nodeArgs: string[] = [],
): Child {
  const args = [...nodeArgs, join(rootFolder, "workspace-agent/cli.ts"), "run", "--state", stateFolder];
  const child = spawn(process.execPath, args, {
    cwd: rootFolder,
    env: { ...withoutSecrets(process.env), OPENCLAW_GATEWAY_PASSWORD: gatewayPassword },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C reaches a whole terminal group: the order of ending is ours to choose.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLog);
  const { pid } = child;
  if (pid === undefined) throw new Error("the agent could not be started");
  const id = processIdOf(pid);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return {
    pid,
    exited,
    kill: () => void child.kill("SIGKILL"),
    stop: async () => {
      await endProcess(id, STOP_GRACE_MS);
      await exited;
    },
  };
}

/** The agent has no use for model keys or another OpenClaw's variables. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(OPENCLAW_|OPENAI_|ANTHROPIC_)/.test(name)));
}
