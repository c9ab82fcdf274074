import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withFolderLock } from "./folder-lock.mjs";
import { describeProgress, explainNpmFailure, findDiskShortage, runNpm } from "./npm.mjs";
import { ScriptError, say } from "./script-error.ts";

export interface PinnedInstall {
  /** What people call it. */
  title: string;
  /** Holds package.json and, where there is one, the lock that pins each dependency by its hash. */
  pinFolder: string;
  targetFolder: string;
  /** The refusal's text for "it could not be installed, because `reason`". */
  explain(reason: string): ScriptError;
}

/**
 * Installs a locked set of npm packages once; later calls return at once. Two processes may ask at the same time: one
 * installs, the other waits. An install that was interrupted never looks finished.
 */
export async function installPinned(wanted: PinnedInstall, signal?: AbortSignal): Promise<void> {
  if (isWhole(wanted.targetFolder)) return;
  const onWait = (pid: number | undefined): void =>
    say(`waiting for another install of ${wanted.title} (pid ${pid ?? "?"})`);
  const work = async (): Promise<void> => {
    if (!isWhole(wanted.targetFolder)) await install(wanted, signal);
  };
  await withFolderLock(`${wanted.targetFolder}.lock`, onWait, work, signal);
}

/** npm writes this list last; without it somebody has emptied the folder, and it is installed again. */
function isWhole(targetFolder: string): boolean {
  return existsSync(join(targetFolder, "node_modules", ".package-lock.json"));
}

/** The exact release of `name` that the package.json in `pinFolder` asks for. */
export function readPinnedVersion(pinFolder: string, name: string): string {
  const text = readFileSync(join(pinFolder, "package.json"), "utf8");
  const version = (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[name];
  if (version === undefined) throw new Error(`${name} is not pinned in ${pinFolder}`);
  return version;
}

async function install(wanted: PinnedInstall, signal: AbortSignal | undefined): Promise<void> {
  const { title, pinFolder, targetFolder, explain } = wanted;
  const temporary = `${targetFolder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const shortage = findDiskShortage(temporary);
  if (shortage) throw new ScriptError("not_enough_disk", shortage);
  const lock = join(temporary, "package-lock.json");
  copyFileSync(join(pinFolder, "package.json"), join(temporary, "package.json"));
  const isLocked = existsSync(join(pinFolder, "package-lock.json"));
  if (isLocked) copyFileSync(join(pinFolder, "package-lock.json"), lock);
  const expected = isLocked ? countPackages(lock) : undefined;
  say(`installing ${title} (once)`);
  const onProgress = (progress: Parameters<typeof describeProgress>[0]): void =>
    say(`  ${title}: ${describeProgress(progress, expected)}`);
  const args = [isLocked ? "ci" : "install", "--ignore-scripts", "--omit=dev"];
  const { exitCode, tail, seconds } = await runNpm(temporary, args, onProgress, signal);
  signal?.throwIfAborted();
  if (exitCode !== 0) throw explain(explainNpmFailure(exitCode, tail));
  rmSync(targetFolder, { recursive: true, force: true });
  renameSync(temporary, targetFolder);
  say(`${title} installed in ${seconds.toFixed(0)} s`);
}

/** How many packages of the lock npm fetches on this machine. */
function countPackages(lockPath: string): number {
  const lock = JSON.parse(readFileSync(lockPath, "utf8")) as {
    packages: Record<string, { os?: string[]; cpu?: string[] }>;
  };
  const fits = (wanted: string[] | undefined, mine: string): boolean => !wanted || wanted.includes(mine);
  return Object.entries(lock.packages).filter(
    ([path, { os, cpu }]) => path !== "" && fits(os, process.platform) && fits(cpu, process.arch),
  ).length;
}
