/** The workspaces as OpenClaw would read them. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { isProfileId, MAX_PERSONAL_CHARACTERS } from "../identity/roster.ts";
import { WorkspaceError, WorkspaceFiles } from "../identity/workspace-files.ts";
import type { Trouble, WorkspaceFacts } from "./facts.ts";

interface Looked {
  writable: boolean;
  rootCharacters: number;
  personal: number[];
  refused: string[];
}

/** @param openclawFolders where OpenClaw says they are; null when it cannot be asked */
export async function lookAtWorkspaces(
  folders: readonly string[],
  openclawFolders: readonly string[] | null,
): Promise<WorkspaceFacts | Trouble> {
  const all: Looked[] = [];
  for (const folder of folders) {
    try {
      all.push(await lookAt(folder));
    } catch (error) {
      if (!(error instanceof WorkspaceError)) throw error;
      return { code: "workspace_unreadable", message: `${folder}: ${error.message}` };
    }
  }
  const longest = Math.max(...all.map(({ rootCharacters }) => rootCharacters));
  return {
    folders,
    unknownFolders: (openclawFolders ?? []).filter((folder) => !folders.includes(folder)),
    unwritable: folders.filter((_, index) => all[index]?.writable === false),
    rootCharacters: longest < 0 ? null : longest,
    tooLong: all.flatMap(({ personal }) => personal).filter((length) => length > MAX_PERSONAL_CHARACTERS).length,
    refused: folders.flatMap((folder, index) => all[index]?.refused.map((path) => join(folder, path)) ?? []),
  };
}

/** Lengths are -1 where there is no file. @throws {WorkspaceError} */
async function lookAt(folder: string): Promise<Looked> {
  const files = new WorkspaceFiles(folder);
  const refused: string[] = [];
  const lengthOf = async (parts: readonly string[]): Promise<number> => {
    try {
      return (await files.read(parts))?.toString().length ?? -1;
    } catch (error) {
      if (!(error instanceof WorkspaceError)) throw error;
      refused.push(error.path);
      return -1;
    }
  };
  const ids = (await files.list(["users"])).filter(isProfileId);
  return {
    writable: await isWritable(folder),
    rootCharacters: await lengthOf(["USER.md"]),
    personal: await Promise.all(ids.map((id) => lengthOf(["users", id, "USER.md"]))),
    refused,
  };
}

/** A new OpenClaw makes its workspace at the first turn: until then there is nothing to write in. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
