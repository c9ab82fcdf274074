import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { downloadFolder, rootFolder } from "./paths.ts";
import { installPinned, readPinnedVersion } from "./pinned-install.ts";
import { ScriptError } from "./script-error.ts";

const pinFolder = join(rootFolder, "demo", "openclaw");
/** Has everything run against another release than the pinned one; `npm run compat` sets it. */
export const RELEASE_VARIABLE = "OPENCLAW_RELEASE";
const RELEASE = /^\d{4}\.\d{1,2}\.\d{1,2}(-[0-9a-z.]{1,16})?$/;

/** The release that is run: the pinned one, unless the environment names another. */
export function openClawRelease(): string {
  return process.env[RELEASE_VARIABLE] ?? readPinnedVersion(pinFolder, "openclaw");
}

/** Where a release is, or will be. */
export function releaseFolder(release: string, folder = downloadFolder): string {
  return join(folder, `openclaw-${release}`);
}

/**
 * Installs the OpenClaw this checkout is tested with, once, and returns its folder.
 * @throws {ScriptError} openclaw_not_installed | not_enough_disk | bad_setting
 */
export async function installOpenClaw(folder = downloadFolder, signal?: AbortSignal): Promise<string> {
  const release = openClawRelease();
  if (!RELEASE.test(release)) throw new ScriptError("bad_setting", `${RELEASE_VARIABLE} is not a release of OpenClaw`);
  const targetFolder = releaseFolder(release, folder);
  const explain = (reason: string): ScriptError =>
    new ScriptError(
      "openclaw_not_installed",
      `Could not fetch OpenClaw ${release}: ${reason}.\nOr use an OpenClaw you have: OPENCLAW_URL=http://127.0.0.1:18789 npm start`,
    );
  const isPinned = release === readPinnedVersion(pinFolder, "openclaw");
  const source = isPinned ? pinFolder : writeUnlockedPin(folder, release);
  await installPinned({ title: `OpenClaw ${release}`, pinFolder: source, targetFolder, explain }, signal);
  return targetFolder;
}

/** What asks npm for one release. Only the pinned one has a lock of ours. */
function writeUnlockedPin(folder: string, release: string): string {
  const pin = join(folder, "openclaw-pins", release);
  mkdirSync(pin, { recursive: true });
  writeFileSync(join(pin, "package.json"), JSON.stringify({ private: true, dependencies: { openclaw: release } }));
  return pin;
}
