/** OpenClaw's own command line: the only writer of its configuration, except for putting back the very file it was. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { CommandError } from "../commands/command.ts";

const TIMEOUT_MS = 60_000;
/** `config get` of a large installation is well below. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

export interface Answer {
  exit: number | null;
  stdout: string;
  stderr: string;
}

export interface OpenClawCli {
  /** Absolute path of what is run. */
  path: string;
  /** Runs it to its end, without a shell. @throws {CommandError} openclaw_failed when it hangs or cannot be started */
  run(args: readonly string[], options?: { stdin?: string; env?: NodeJS.ProcessEnv }): Promise<Answer>;
}

/**
 * @param named what the person named; else the one in PATH
 * @throws {CommandError} openclaw_not_found
 */
export function findOpenClawCli(named: string | undefined, env: NodeJS.ProcessEnv): OpenClawCli {
  const candidates =
    named === undefined
      ? (env["PATH"] ?? "")
          .split(delimiter)
          .filter(Boolean)
          .map((folder) => join(folder, "openclaw"))
      : [resolve(named)];
  const path = candidates.find(isExecutable);
  if (path === undefined) {
    throw new CommandError(
      "openclaw_not_found",
      named === undefined
        ? "OpenClaw is not in PATH. Where is it? tidegate-agent … --openclaw /path/to/openclaw"
        : `${named} is no program that can be run.`,
    );
  }
  return { path, run: (args, options = {}) => runCli(path, args, options.stdin ?? "", { ...env, ...options.env }) };
}

function runCli(path: string, args: readonly string[], stdin: string, env: NodeJS.ProcessEnv): Promise<Answer> {
  const { promise, resolve: settle, reject } = Promise.withResolvers<Answer>();
  const fail = (why: string) => reject(new CommandError("openclaw_failed", `openclaw ${args.join(" ")}: ${why}`));
  const child = spawn(path, args, { env: { ...env, NO_COLOR: "1" }, stdio: "pipe", timeout: TIMEOUT_MS });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      if (output[name].length > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
    });
  }
  child.on("error", (error: NodeJS.ErrnoException) => fail(`could not be started (${error.code ?? error.message})`));
  child.on("close", (exit, signal) => {
    if (signal === null) settle({ exit, ...output });
    else fail(`ended by ${signal}, after ${TIMEOUT_MS / 1000} s at most`);
  });
  // It may end without reading.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  return promise;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
