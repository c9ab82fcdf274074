/** openclaw.json as bytes: what it was is kept beside it, and put back whole. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { CommandError, EXIT } from "../commands/command.ts";

export interface FileState {
  bytes: Buffer;
  /** Permission bits. */
  mode: number;
  uid: number;
}

/** @throws {CommandError} openclaw_config_unreadable */
export function readConfigFile(path: string): FileState {
  try {
    const { mode, uid } = statSync(path);
    return { bytes: readFileSync(path), mode: mode & 0o777, uid };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError("openclaw_config_unreadable", `${path} cannot be read (${code}).`, EXIT.config, {
      cause: error,
    });
  }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** @returns a name beside `path` that nothing has yet: `openclaw.json.tidegate-20261122`, with a number if need be */
export function nameBackup(path: string, nowMs: number): string {
  const name = `${path}.tidegate-${new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** Replaces `path` whole, with these permission bits: a reader and a crash see the old bytes or the new. */
export function replaceFile(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.tidegate-${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  try {
    // `wx`: never through a link that somebody planted.
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
