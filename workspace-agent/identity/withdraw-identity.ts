/** Takes out of a workspace what the agent wrote there, for good; every other byte stays. */
import { ROOTS } from "./roster-files.ts";
import { isProfileId, withBlock } from "./roster.ts";
import type { WorkspaceFiles } from "./workspace-files.ts";

/** @param countOnly changes nothing @returns how many files are changed or removed @throws {WorkspaceError} */
export async function withdrawIdentity(files: WorkspaceFiles, countOnly: boolean): Promise<number> {
  let changed = 0;
  const ids = (await files.list(["users"])).filter(isProfileId);
  for (const parts of [...ROOTS, ...ids.map((id) => ["users", id, "USER.md"])]) {
    const current = await files.readPlain(parts);
    if (current === null) continue;
    const rest = withBlock(current, null);
    if (rest.equals(current)) continue;
    changed += 1;
    if (countOnly) continue;
    if (rest.byteLength > 0) await files.write(parts, rest);
    else await files.remove(parts);
  }
  if (countOnly) return changed;
  for (const parts of [...ids.map((id) => ["users", id]), ["users"]]) await files.removeFolder(parts);
  return changed;
}
