/** One process at a time changes the state folder and what it speaks of. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../commands/command.ts";
import { isRunning } from "./is-running.ts";

/**
 * Runs `work` while holding the lock. A lock whose process is gone is taken over.
 * @throws {CommandError} busy
 */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "lock");
  take(path);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): void {
  const mine = `${path}.${process.pid}`;
  // Linked into place with its content: there is never a lock that names nobody.
  writeFileSync(mine, describe(process.pid), { mode: 0o600 });
  try {
    for (;;) {
      try {
        return linkSync(mine, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const owner = ownerOf(path);
      const pid = Number.parseInt(owner, 10);
      if (pid > 0 && isRunning(pid) && describe(pid) === owner) {
        throw new CommandError(
          "busy",
          `Another tidegate-agent is at work here (pid ${pid}). Run this again when it is done.`,
        );
      }
      discard(path, owner);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Moved away first: of two that found the same dead owner one gets it, and a lock taken in between is put back. */
function discard(path: string, owner: string): void {
  const stale = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, stale);
  } catch {
    return;
  }
  if (ownerOf(stale) === owner) rmSync(stale, { force: true });
  else renameSync(stale, path);
}

function ownerOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The process, and when it began where the system tells: numbers come again, after a restart of a container soon. */
function describe(pid: number): string {
  try {
    // Behind the name, which may hold anything in parentheses: the 20th field (proc(5)).
    const began = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[19];
    return `${pid} ${began ?? ""}`;
  } catch {
    return `${pid} `;
  }
}
