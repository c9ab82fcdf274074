// Runs on Node 20 with nothing installed: `node:` imports only, no TypeScript.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, processIdOf } from "./processes.mjs";

/**
 * Runs `work` while holding the lock folder, so that only one process on this machine does it at a time.
 * A lock whose owner died is taken over. `onWait` is told once, with the owner's pid.
 * @template T
 * @param {string} folder
 * @param {(ownerPid: number | undefined) => void} onWait
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal] ends the waiting
 * @returns {Promise<T>}
 */
export async function withFolderLock(folder, onWait, work, signal) {
  mkdirSync(dirname(folder), { recursive: true });
  for (let told = false; !take(folder);) {
    const owner = readOwner(folder);
    if (owner && !isRunning(owner)) {
      discard(folder, owner);
      continue;
    }
    if (!told) onWait(owner?.pid);
    told = true;
    await sleep(300, undefined, { signal });
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/**
 * Moves a folder that already names its owner into place: there is never a lock without an owner.
 * @param {string} folder
 */
function take(folder) {
  const mine = `${folder}.${process.pid}`;
  rmSync(mine, { recursive: true, force: true });
  try {
    mkdirSync(mine);
    writeFileSync(join(mine, "owner.json"), JSON.stringify(processIdOf(process.pid)));
    renameSync(mine, folder);
    return true;
  } catch (error) {
    rmSync(mine, { recursive: true, force: true });
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "EPERM") return false;
    throw error;
  }
}

/**
 * @param {string} folder
 * @returns {import("./processes.mjs").ProcessId | undefined}
 */
function readOwner(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "owner.json"), "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Removes a dead owner's lock. Renaming first makes sure that of two waiters only one removes it, and the check
 * after it that a lock taken in between is put back.
 * @param {string} folder
 * @param {import("./processes.mjs").ProcessId} owner
 */
function discard(folder, owner) {
  const stale = `${folder}.stale.${process.pid}`;
  try {
    renameSync(folder, stale);
  } catch {
    return;
  }
  const moved = readOwner(stale);
  if (moved?.pid === owner.pid && moved.startTime === owner.startTime) rmSync(stale, { recursive: true, force: true });
  else renameSync(stale, folder);
}
