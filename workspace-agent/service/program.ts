/** The one bundled file, and where a service finds it. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CommandError, EXIT } from "../commands/command.ts";

const NAME = "tidegate-agent.mjs";

/** `$XDG_DATA_HOME/tidegate`, else `~/.local/share/tidegate`; a machine's own below /usr/local/lib. */
export function programFile(env: NodeJS.ProcessEnv, system: boolean): string {
  if (system) return join("/usr/local/lib/tidegate", NAME);
  return join(env["XDG_DATA_HOME"] || join(homedir(), ".local/share"), "tidegate", NAME);
}

/** @returns the file that runs now @throws {CommandError} not_bundled */
export function runningProgram(): string {
  const file = realpathSync(process.argv[1] ?? "");
  if (file.endsWith(".mjs")) return file;
  const mend =
    "Take the one file from your gateway: curl -fsS https://<your host>/_gate/agent.mjs -o tidegate-agent.mjs";
  throw new CommandError("not_bundled", `This agent runs from its sources. ${mend}`, EXIT.config);
}

/** Puts `from` in place of `file`, whole; the one before is kept beside it until {@link forgetPrevious}. */
export function replaceProgram(file: string, from: string): void {
  if (existsSync(file) && realpathSync(file) === realpathSync(from)) return;
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file}.next`;
  copyFileSync(from, next);
  if (existsSync(file)) copyFileSync(file, `${file}.previous`);
  renameSync(next, file);
}

/** @returns false when there is none */
export function restorePrevious(file: string): boolean {
  const previous = `${file}.previous`;
  if (!existsSync(previous)) return false;
  renameSync(previous, file);
  return true;
}

export function forgetPrevious(file: string): void {
  rmSync(`${file}.previous`, { force: true });
}

export function removeProgram(file: string): void {
  for (const path of [file, `${file}.next`, `${file}.previous`]) rmSync(path, { force: true });
  removeFolderIfEmpty(dirname(file));
}

/** What others put there stays, and so does the folder. */
export function removeFolderIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or gone already.
  }
}

/** @returns SHA-256, hex */
export function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
