/** Puts openclaw.json back: its old bytes where nobody else changed it, else our values only. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { CommandError, EXIT } from "../commands/command.ts";
import { patchConfig } from "./apply-change.ts";
import { readAuthored } from "./authored-config.ts";
import type { ChangeRecord } from "./change-record.ts";
import { hashOf, readConfigFile, replaceFile } from "./config-file.ts";
import type { OpenClawCli } from "./openclaw-cli.ts";
import { isOnlyOurs, planUndo } from "./plan-undo.ts";
import { isPlainObject } from "./setting-path.ts";

/** `nothing`: it is as it was already. */
export type Undo =
  | { how: "nothing" }
  | { how: "bytes"; bytes: Buffer; mode: number }
  | { how: "values"; patch: Record<string, unknown> };

/** @param password the agent's, to know it again @throws {CommandError} backup_lost, openclaw_failed */
export async function findUndo(cli: OpenClawCli, record: ChangeRecord, password: string | null): Promise<Undo> {
  const now = readConfigFile(record.configPath).bytes;
  if (hashOf(now) === record.originalHash) return { how: "nothing" };
  const original = readBackup(record);
  const whole: Undo = { how: "bytes", bytes: original, mode: record.originalMode };
  if (hashOf(now) === record.leftHash) return whole;
  const [before, after] = [await readAuthored(cli, original), await readAuthored(cli, now)];
  if (!isPlainObject(before) || !isPlainObject(after)) return whole;
  // A run of `configure` that was cut short has not set the password yet.
  if ([password, null].some((secret) => isOnlyOurs(before, after, record.set, secret))) return whole;
  return { how: "values", patch: planUndo(before, after, record.set, password) };
}

export async function carryOut(cli: OpenClawCli, { configPath }: ChangeRecord, undo: Undo): Promise<void> {
  if (undo.how === "bytes") replaceFile(configPath, undo.bytes, undo.mode);
  if (undo.how === "values" && Object.keys(undo.patch).length > 0) await patchConfig(cli, undo.patch, []);
}

/** Its content is in openclaw.json again. */
export function dropBackup({ backupPath, configPath, originalHash }: ChangeRecord): boolean {
  if (!existsSync(backupPath) || hashOf(readConfigFile(configPath).bytes) !== originalHash) return false;
  rmSync(backupPath);
  return true;
}

function readBackup({ backupPath, originalHash }: ChangeRecord): Buffer {
  try {
    const bytes = readFileSync(backupPath);
    if (hashOf(bytes) === originalHash) return bytes;
  } catch {
    // As good as changed.
  }
  throw new CommandError(
    "backup_lost",
    `${backupPath} is gone or changed, so what openclaw.json was is not known. Set gateway.auth.mode and what goes with it by hand: openclaw configure --section gateway`,
    EXIT.failed,
  );
}
