import { accessSync, constants, lstatSync, readdirSync, readFileSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { ScriptError } from "./script-error.ts";
import { explainSystemError } from "./system-error.mjs";

/**
 * Checks that the agent will be able to read and write the roster in `folder`; a missing folder is fine, OpenClaw makes
 * it at its first turn. Without this check people could sign in, and every chat would be refused.
 * @throws {ScriptError} workspace_unusable
 */
export function requireUsableWorkspace(folder: string): void {
  const status = find(folder, statSync);
  if (status === undefined) return;
  if (!status.isDirectory()) throw unusable(folder, "it is not a folder");
  const userFile = join(folder, "USER.md");
  const usersFolder = join(folder, "users");
  attempt(folder, () => {
    readdirSync(folder);
    accessSync(folder, constants.W_OK);
    // The agent does not follow links below the workspace: OpenClaw refuses such files too.
    if (find(usersFolder, lstatSync) !== undefined) {
      if (!lstatSync(usersFolder).isDirectory()) throw unusable(folder, `${usersFolder} is not a folder`);
      accessSync(usersFolder, constants.R_OK | constants.W_OK);
    }
    if (find(userFile, lstatSync) !== undefined) {
      if (!lstatSync(userFile).isFile()) throw unusable(folder, `${userFile} is not a regular file`);
      readFileSync(userFile);
    }
  });
}

/**
 * A workspace that is not there yet must at least have a folder to be made in: all else is a slip in the path.
 * @throws {ScriptError} workspace_unusable
 */
export function requireWorkspaceParent(folder: string): void {
  if (find(dirname(folder), statSync)?.isDirectory() !== true)
    throw unusable(folder, "there is no such folder, nor the one it would be in");
}

function find(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw unusable(path, explainSystemError(error) ?? String(error), error);
  }
}

function attempt(folder: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof ScriptError) throw error;
    throw unusable(folder, explainSystemError(error) ?? String(error), error);
  }
}

function unusable(folder: string, reason: string, cause?: unknown): ScriptError {
  return new ScriptError("workspace_unusable", `OpenClaw's workspace ${folder} cannot be used: ${reason}`, { cause });
}
