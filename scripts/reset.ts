import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { homeFolder } from "./paths.ts";
import { endFormerRun, findLiveRun } from "./run-record.ts";
import { ScriptError, exitWith, say } from "./script-error.ts";

/**
 * Ours, by name: TIDEGATE_HOME may be a folder with other things in it. Downloads are not among them, a fresh start
 * would only fetch them again; nor are the locks of installs under way.
 */
const STATE =
  /^(agent|edge|openclaw|screenshots|test-results|(run|secrets)\.json(\.\d+\.tmp)?|start\.lock.*|(openclaw|chromium)-.*\.tmp)$/;

/**
 * Deletes all state of the local installation, so that the next start is the first.
 * @throws {ScriptError} already_running
 */
export async function reset(home: string): Promise<string[]> {
  const live = findLiveRun(home);
  if (live !== undefined) throw new ScriptError("already_running", `Tidegate is running (pid ${live}): stop it first`);
  if (!existsSync(home)) return [];
  await endFormerRun(home);
  const deleted = readdirSync(home).filter((name) => STATE.test(name));
  for (const name of deleted) rmSync(join(home, name), { recursive: true, force: true });
  return deleted;
}

if (import.meta.main) {
  const deleted = await reset(homeFolder(process.env)).catch(exitWith);
  say(deleted.length > 0 ? `deleted ${deleted.join(", ")}` : "nothing to delete");
}
