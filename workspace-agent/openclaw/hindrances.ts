/** What would make the change fail, or break OpenClaw, found before anything is touched. */
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { CommandError, EXIT } from "../commands/command.ts";
import { MAX_OTHER_WORKSPACES } from "../config.ts";
import type { FileState } from "./config-file.ts";
import type { Installation } from "./installation.ts";

const TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";

/** @returns where the variable is set that keeps OpenClaw from starting in trusted-proxy mode; null when nowhere seen */
export function findTokenVariable(
  { running, configPath }: Pick<Installation, "running" | "configPath">,
  env: NodeJS.ProcessEnv,
): string | null {
  const pid = running?.pid ?? null;
  if (pid !== null && setsToken(readText(`/proc/${pid}/environ`), "\0")) {
    return `the environment of the running OpenClaw (pid ${pid})`;
  }
  const folders = new Set([
    dirname(configPath),
    ...(env["OPENCLAW_STATE_DIR"] ? [env["OPENCLAW_STATE_DIR"]] : []),
    join(env["HOME"] || homedir(), ".openclaw"),
  ]);
  for (const folder of folders) {
    if (setsToken(readText(join(folder, ".env")), "\n")) return join(folder, ".env");
  }
  return env[TOKEN_VARIABLE] ? "this shell's environment" : null;
}

/** @throws {CommandError} token_in_environment */
export function requireNoTokenVariable(installation: Installation, env: NodeJS.ProcessEnv): void {
  const place = findTokenVariable(installation, env);
  if (place === null) return;
  throw new CommandError(
    "token_in_environment",
    `${TOKEN_VARIABLE} is set in ${place}. With it OpenClaw refuses to start in trusted-proxy mode. Take it out there, restart OpenClaw, and run this again.`,
    EXIT.config,
  );
}

/** The agent would not start with more, when OpenClaw believes nobody else already. @throws {CommandError} too_many_workspaces */
export function requireFewWorkspaces({ length }: readonly string[]): void {
  if (length - 1 <= MAX_OTHER_WORKSPACES) return;
  throw new CommandError(
    "too_many_workspaces",
    `OpenClaw's agents work in ${length} folders; the roster can be kept in ${MAX_OTHER_WORKSPACES + 1}. Have agents share a workspace, or delete some: openclaw agents list`,
    EXIT.config,
  );
}

/**
 * OpenClaw's command line would leave a file that OpenClaw's own user cannot read, root's included.
 * @throws {CommandError} other_user
 */
export function requireOwnConfig(path: string, file: FileState): void {
  const uid = process.getuid?.();
  if (uid === undefined || uid === file.uid) return;
  const name = userInfo().username;
  throw new CommandError(
    "other_user",
    `${path} belongs to user ${file.uid}, and you are ${name} (${uid}). Run this as the user that runs OpenClaw: sudo -u '#${file.uid}' tidegate-agent …`,
    EXIT.config,
  );
}

/** @returns why OpenClaw's own commands may not write the file; null when they may */
export function findReadOnly(env: NodeJS.ProcessEnv): string | null {
  if (env["OPENCLAW_CONFIG_READONLY"] === "1") return "OPENCLAW_CONFIG_READONLY=1";
  if (env["OPENCLAW_NIX_MODE"] === "1") return "OPENCLAW_NIX_MODE=1";
  return null;
}

function setsToken(text: string, separator: string): boolean {
  return text
    .split(separator)
    .some((line) => new RegExp(`^\\s*(?:export\\s+)?${TOKEN_VARIABLE}\\s*=\\s*\\S`).test(line));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not there, or another user's: then it is not seen.
    return "";
  }
}
