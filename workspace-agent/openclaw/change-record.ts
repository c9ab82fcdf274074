/** `openclaw-change.json` in the state folder: what `configure` did to openclaw.json, so that `unconfigure` can undo exactly that. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CommandError, EXIT } from "../commands/command.ts";
import { writePrivateFile } from "../state/atomic-file.ts";

const Hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Shape = v.strictObject({
  configPath: v.string(),
  /** The file as it was, beside it; written before the first change. */
  backupPath: v.string(),
  /** SHA-256 of the file as it was. */
  originalHash: Hash,
  originalMode: v.number(),
  /** SHA-256 of the file as `configure` left it; null while a change is under way. */
  leftHash: v.nullable(Hash),
  /** What was set, by path; null: taken out. Secrets are not here but in agent.json. */
  set: v.array(v.strictObject({ path: v.array(v.string()), value: v.unknown() })),
});

export type ChangeRecord = v.InferOutput<typeof Shape>;

/** @returns null when nothing was changed @throws {CommandError} state_unreadable */
export function readChangeRecord(folder: string): ChangeRecord | null {
  const path = join(folder, "openclaw-change.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unreadable(path, error);
  }
  try {
    return v.parse(Shape, JSON.parse(text));
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function writeChangeRecord(folder: string, record: ChangeRecord): void {
  writePrivateFile(join(folder, "openclaw-change.json"), `${JSON.stringify(record, undefined, 2)}\n`);
}

export function removeChangeRecord(folder: string): void {
  rmSync(join(folder, "openclaw-change.json"), { force: true });
}

function unreadable(path: string, cause: unknown): CommandError {
  return new CommandError("state_unreadable", `${path} cannot be read.`, EXIT.config, { cause });
}
