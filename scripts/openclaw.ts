import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileAtomic } from "./atomic-file.ts";
import {
  MODEL_KEY_VARIABLE,
  openClawConfig,
  profilePaths,
  type ModelChoice,
  type OpenClawConfigOptions,
} from "./openclaw-config.ts";
import { endProcess, listDescendants, processIdOf, signalProcess } from "./processes.mjs";
import { ScriptError } from "./script-error.ts";

const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 100;
const PROBE_TIMEOUT_MS = 2000;
const STOP_GRACE_MS = 5000;
const SHOWN_OUTPUT_LINES = 15;

/** The user's variables OpenClaw gets; all others stay out, above all its own (OPENCLAW_GATEWAY_TOKEN …). */
const KEPT_VARIABLES = [
  "PATH",
  "LANG",
  "LC_ALL",
  "TZ",
  "USER",
  "NODE_EXTRA_CA_CERTS",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
];

export interface OpenClawOptions extends Omit<OpenClawConfigOptions, "workspace" | "logFile"> {
  /** The profile: state, workspace, configuration and logs. */
  folder: string;
  /** As `installOpenClaw` returns it. */
  installFolder: string;
}

export interface OpenClaw {
  pid: number;
  port: number;
  workspace: string;
  configPath: string;
  /** Settles when OpenClaw accepts connections, or rejects with the end of its output when it cannot. */
  ready: Promise<void>;
  /** Settles when the process has ended, however that came. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  onExit(listener: () => void): void;
  /** Ends it and everything it started; waits for it. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): void;
}

/** Starts OpenClaw in a profile of its own. Restarting it is the caller's business. */
export function startOpenClaw(options: OpenClawOptions): OpenClaw {
  const paths = profilePaths(options.folder);
  for (const folder of [paths.homeFolder, paths.stateFolder, paths.temporaryFolder])
    mkdirSync(folder, { recursive: true });
  const config = openClawConfig({ ...options, workspace: paths.workspace, logFile: paths.logFile });
  writeFileAtomic(paths.configPath, JSON.stringify(config, undefined, 2));
  const output = openSync(paths.outputFile, "w", 0o600);
  const child = spawn(
    process.execPath,
    [join(options.installFolder, "node_modules/openclaw/openclaw.mjs"), "gateway"],
    {
      cwd: options.folder,
      env: openClawEnvironment(process.env, options.folder, options.model),
      stdio: ["ignore", output, output],
      // A group of its own: OpenClaw starts helpers, and all of them must end with it.
      detached: true,
    },
  );
  closeSync(output);
  const pid = child.pid;
  if (pid === undefined) throw new ScriptError("openclaw_not_reachable", "OpenClaw could not be started");
  const id = processIdOf(pid);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      signalProcess(-pid, "SIGKILL");
      resolve({ code, signal });
    });
  });
  const ready = waitUntilReady(options.port, exited, paths.outputFile);
  // Whoever does not wait for readiness learns of the end by `exited`.
  ready.catch(() => {});
  return {
    pid,
    port: options.port,
    workspace: paths.workspace,
    configPath: paths.configPath,
    ready,
    exited,
    onExit: (listener) => void exited.then(listener),
    kill: () => {
      for (const member of [...listDescendants(pid), { pid: -pid }]) signalProcess(member.pid, "SIGKILL");
    },
    stop: async () => {
      await endProcess({ ...id, group: true }, STOP_GRACE_MS);
      await exited;
    },
  };
}

/** A small environment: what OpenClaw needs, and nothing that belongs to another OpenClaw on this machine. */
export function openClawEnvironment(env: NodeJS.ProcessEnv, folder: string, model: ModelChoice): NodeJS.ProcessEnv {
  const paths = profilePaths(folder);
  const kept = Object.fromEntries(
    KEPT_VARIABLES.filter((name) => env[name] !== undefined).map((name) => [name, env[name]]),
  );
  return {
    ...kept,
    ...(model.type === "demo" ? {} : { [MODEL_KEY_VARIABLE]: model.apiKey }),
    HOME: paths.homeFolder,
    TMPDIR: paths.temporaryFolder,
    OPENCLAW_STATE_DIR: paths.stateFolder,
    OPENCLAW_CONFIG_PATH: paths.configPath,
    OPENCLAW_DISABLE_BONJOUR: "1",
    OPENCLAW_NO_AUTO_UPDATE: "1",
    OPENCLAW_NO_RESPAWN: "1",
    OPENCLAW_SKIP_CHANNELS: "1",
    OPENCLAW_SKIP_CRON: "1",
    OPENCLAW_SKIP_GMAIL_WATCHER: "1",
    OPENCLAW_EXEC_SHELL_SNAPSHOT: "0",
  };
}

async function waitUntilReady(port: number, exited: Promise<unknown>, outputFile: string): Promise<void> {
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  for (const until = Date.now() + READY_TIMEOUT_MS; Date.now() < until && !hasExited; await sleep(READY_POLL_MS)) {
    if ((await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200) return;
  }
  const reason = hasExited
    ? "OpenClaw ended before it was ready"
    : `OpenClaw was not ready after ${READY_TIMEOUT_MS / 1000} s`;
  throw new ScriptError(
    "openclaw_not_reachable",
    `${reason}. Its last lines (${outputFile}):\n${lastLines(outputFile)}`,
  );
}

/** The status a GET is answered with; undefined when nobody answers. */
export async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, "utf8").trim().split("\n").slice(-SHOWN_OUTPUT_LINES).join("\n");
  } catch {
    return "";
  }
}
