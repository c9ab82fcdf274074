import { join } from "node:path";
import { downloadFolder, rootFolder } from "./paths.ts";
import { installPinned, readPinnedVersion } from "./pinned-install.ts";
import { ScriptError } from "./script-error.ts";

const pinFolder = join(rootFolder, "demo", "openclaw");

/**
 * Installs the OpenClaw this checkout is tested with, once, and returns its folder.
 * @throws {ScriptError} openclaw_not_installed | not_enough_disk
 */
export async function installOpenClaw(folder = downloadFolder, signal?: AbortSignal): Promise<string> {
  const version = readPinnedVersion(pinFolder, "openclaw");
  const targetFolder = join(folder, `openclaw-${version}`);
  const explain = (reason: string): ScriptError =>
    new ScriptError(
      "openclaw_not_installed",
      `Could not fetch OpenClaw ${version}: ${reason}.\nOr use an OpenClaw you have: OPENCLAW_URL=http://127.0.0.1:18789 npm start`,
    );
  await installPinned({ title: `OpenClaw ${version}`, pinFolder, targetFolder, explain }, signal);
  return targetFolder;
}
