/** One command at a time changes the state folder; a command that died leaves a lock that the next one takes. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../commands/command.ts";

/** @throws {CommandError} busy */
export async function withStateLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const release = takeLock(folder);
  try {
    return await work();
  } finally {
    release();
  }
}

function takeLock(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "lock");
  for (let tries = 0; tries < 3; tries++) {
    try {
      // Exclusive creation is atomic on every file system that holds a home folder.
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = ownerOf(path);
    if (owner !== null && isAlive(owner)) {
      throw new CommandError(
        "busy",
        `Another tidegate-agent command (pid ${owner}) is changing ${folder}. Try again after it.`,
      );
    }
    // Moved before it is deleted, so that of two who find it dead only one takes it away.
    const taken = `${path}.${process.pid}.dead`;
    try {
      renameSync(path, taken);
      rmSync(taken, { force: true });
    } catch {
      // Somebody else did.
    }
  }
  throw new CommandError("busy", `${path} cannot be had. Try again.`);
}

function ownerOf(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
