/** The workspace as OpenClaw would read it. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { isProfileId, MAX_PERSONAL_CHARACTERS } from "../identity/roster.ts";
import { WorkspaceError, WorkspaceFiles } from "../identity/workspace-files.ts";
import type { Trouble, WorkspaceFacts } from "./facts.ts";

/** @param openclawFolder where OpenClaw says it is; null when it cannot be asked */
export async function lookAtWorkspace(
  folder: string,
  openclawFolder: string | null,
): Promise<WorkspaceFacts | Trouble> {
  const files = new WorkspaceFiles(folder);
  const refused: string[] = [];
  const lengthOf = async (parts: readonly string[]): Promise<number | null> => {
    try {
      return (await files.read(parts))?.toString().length ?? null;
    } catch (error) {
      if (!(error instanceof WorkspaceError)) throw error;
      refused.push(error.path);
      return null;
    }
  };
  try {
    const ids = (await files.list(["users"])).filter(isProfileId);
    const rootCharacters = await lengthOf(["USER.md"]);
    const personal = await Promise.all(ids.map((id) => lengthOf(["users", id, "USER.md"])));
    const tooLong = personal.filter((length) => length !== null && length > MAX_PERSONAL_CHARACTERS).length;
    return { folder, openclawFolder, writable: await isWritable(folder), rootCharacters, tooLong, refused };
  } catch (error) {
    if (!(error instanceof WorkspaceError)) throw error;
    return { code: "workspace_unreadable", message: `${folder}: ${error.message}` };
  }
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
