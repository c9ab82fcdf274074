import { spawn } from "node:child_process";
import { join } from "node:path";
import { ScriptError } from "../script-error.ts";
import { rootFolder } from "../paths.ts";
import { signalProcess } from "../processes.mjs";

/** Wrangler looks up news and sends counts unless told not to, and keeps a log of what it sent. */
export const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
};

export interface WranglerRun {
  args: string[];
  /** Handed over on stdin, and nowhere else. */
  secrets?: Record<string, string>;
  /** The person at the terminal talks to wrangler itself. */
  interactive?: boolean;
  /** Beside the environment of this process. */
  env?: NodeJS.ProcessEnv;
}

export interface WranglerEnd {
  exitCode: number;
  stdout: string;
  /** Both streams, for a person. */
  output: string;
}

/**
 * Runs the pinned wrangler in the checkout.
 *
 * `--secrets-file` wants a path. Node gives a child a socket as its stdin, which nobody can open by the path
 * /dev/stdin, so `cat` stands between: a pipe can be opened. Nothing is written to a disk, and no argument holds a secret.
 */
export function runWrangler({ args, secrets, interactive = false, env = {} }: WranglerRun): Promise<WranglerEnd> {
  const wrangler = join(rootFolder, "node_modules", ".bin", "wrangler");
  const [tool, ...rest] =
    secrets === undefined
      ? [wrangler, ...args]
      : ["sh", "-c", 'cat | "$0" "$@"', wrangler, ...args, "--secrets-file", "/dev/stdin"];
  const child = spawn(tool, rest, {
    cwd: rootFolder,
    env: { ...process.env, ...QUIET, WRANGLER_LOG: "log", ...env },
    stdio: interactive ? "inherit" : ["pipe", "pipe", "pipe"],
    // A group of its own, so that the whole pipe can be ended; who talks to a terminal must stay in its group.
    detached: !interactive,
  });
  let stdout = "";
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output += text));
  // A wrangler that ends early does not read: that is told by its exit code.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(secrets === undefined ? "" : JSON.stringify(secrets));
  const stop = (): void => {
    if (interactive || child.pid === undefined) child.kill("SIGTERM");
    else signalProcess(-child.pid, "SIGTERM");
  };
  process.once("exit", stop);
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new ScriptError("wrangler_failed", "wrangler does not start", { cause })));
    child.on("close", (code) => {
      process.off("exit", stop);
      resolve({ exitCode: code ?? 1, stdout, output });
    });
  });
}

/**
 * Runs a wrangler that must succeed.
 * @param what it does, for the refusal
 * @throws {ScriptError} wrangler_failed, with wrangler's own words
 */
export async function requireWrangler(what: string, run: WranglerRun): Promise<WranglerEnd> {
  const end = await runWrangler(run);
  if (end.exitCode === 0) return end;
  const words = end.output.trim();
  throw new ScriptError("wrangler_failed", `could not ${what}${words === "" ? "" : `; wrangler says:\n${words}`}`);
}
