/** OpenClaw as people have it before Tidegate: token mode, a file with comments, and notes of their own in the workspace. */
import { spawn } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { profilePaths } from "../../scripts/openclaw-config.ts";
import { installOpenClaw } from "../../scripts/openclaw-install.ts";
import { openClawEnvironment, statusOf } from "../../scripts/openclaw.ts";
import { endProcess, processIdOf } from "../../scripts/processes.mjs";

const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

export interface TokenOpenClaw {
  pid: number;
  env: NodeJS.ProcessEnv;
  configPath: string;
  workspace: string;
  /** OpenClaw's command line; with `KILL=before` or `KILL=after` it ends its caller around a change of the configuration. */
  command: string;
  stop(): Promise<void>;
}

/** @param folder a new one of the caller's */
export async function startTokenOpenClaw(folder: string, port: number, token: string): Promise<TokenOpenClaw> {
  const { homeFolder, stateFolder, temporaryFolder, configPath, workspace, outputFile, logFile } = profilePaths(folder);
  for (const each of [homeFolder, temporaryFolder, workspace]) mkdirSync(each, { recursive: true });
  writeFileSync(
    configPath,
    `// Mine; do not touch.
{
  gateway: {
    mode: "local",
    port: ${port}, // not the default
    bind: "loopback",
    auth: { mode: "token", token: "${token}" },
  },
  update: { checkOnStart: false, auto: { enabled: false } },
  telemetry: { enabled: false },
  discovery: { mdns: { mode: "off" } },
  cron: { enabled: false },
  plugins: { enabled: false },
  logging: { file: "${logFile}" },
  models: { catalogRefresh: { enabled: false } },
  agents: { defaults: { workspace: "${workspace}" } },
}
`,
  );
  chmodSync(configPath, 0o600);
  const entry = join(await installOpenClaw(), "node_modules/openclaw/openclaw.mjs");
  const command = join(folder, "openclaw");
  writeFileSync(
    command,
    `#!/bin/sh
case "$*" in
  *--dry-run*) ;;
  "config patch "*)
    [ "$KILL" = before ] && kill -9 $PPID && exit 1
    "${process.execPath}" "${entry}" "$@"
    ended=$?
    [ "$KILL" = after ] && kill -9 $PPID
    exit $ended;;
esac
exec "${process.execPath}" "${entry}" "$@"
`,
    { mode: 0o755 },
  );
  const env = openClawEnvironment(process.env, folder, { type: "demo", baseUrl: "http://127.0.0.1:9" });
  const output = openSync(outputFile, "w", 0o600);
  const child = spawn(process.execPath, [entry, "gateway"], {
    cwd: stateFolder,
    env,
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  const pid = child.pid ?? 0;
  const id = processIdOf(pid);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  for (const until = Date.now() + READY_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    if ((await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200) break;
    if (Date.now() > until || child.exitCode !== null) throw new Error(`OpenClaw is not ready: ${outputFile}`);
  }
  return {
    pid,
    env,
    configPath,
    workspace,
    command,
    stop: async () => {
      await endProcess({ ...id, group: true }, 5000);
      await exited;
    },
  };
}
