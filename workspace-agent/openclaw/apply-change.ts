/** Carries a plan out by OpenClaw's own commands, with the way back written first. */
import { existsSync } from "node:fs";
import { CommandError, EXIT } from "../commands/command.ts";
import { type ChangeRecord, readChangeRecord, writeChangeRecord } from "./change-record.ts";
import { hashOf, nameBackup, readConfigFile, replaceFile } from "./config-file.ts";
import type { OpenClawCli } from "./openclaw-cli.ts";
import { ALLOWED_ORIGINS, type Change, PASSWORD, type Plan } from "./plan-change.ts";
import { same, valueAt } from "./setting-path.ts";

/** @throws {CommandError} change_refused, and nothing is changed */
export async function rehearse(cli: OpenClawCli, plan: Plan): Promise<void> {
  for (const patch of plan.patches) await patchConfig(cli, patch, ["--dry-run"]);
}

/**
 * Changes openclaw.json. Killed at any point, it can be run again: the backup is written before the first change and
 * never over an older one that is still needed.
 * @throws {CommandError} change_refused, backup_failed
 */
export async function applyChange(
  folder: string,
  configPath: string,
  cli: OpenClawCli,
  plan: Plan,
  nowMs: number,
): Promise<ChangeRecord> {
  const known = readChangeRecord(folder);
  const before = hashOf(readConfigFile(configPath).bytes);
  const record = openRecord(known, configPath, plan, nowMs);
  writeChangeRecord(folder, record);
  keepOriginal(record);
  for (const patch of plan.patches) await patchConfig(cli, patch, []);
  // Over a file that others edited, or that a run cut short left, nothing can be said by a hash: `unconfigure` compares.
  if (before !== record.originalHash && before !== known?.leftHash) return record;
  const closed = { ...record, leftHash: hashOf(readConfigFile(configPath).bytes) };
  writeChangeRecord(folder, closed);
  return closed;
}

function openRecord(known: ChangeRecord | null, configPath: string, plan: Plan, nowMs: number): ChangeRecord {
  if (known !== null && known.configPath === configPath) {
    return { ...known, leftHash: null, set: mergeSet(known.set, plan.changes) };
  }
  const { bytes, mode } = readConfigFile(configPath);
  return {
    configPath,
    backupPath: nameBackup(configPath, nowMs),
    originalHash: hashOf(bytes),
    originalMode: mode,
    leftHash: null,
    set: mergeSet([], plan.changes),
  };
}

function keepOriginal({ backupPath, configPath, originalHash }: ChangeRecord): void {
  // Whole or not there at all, so one that is there is the original.
  if (existsSync(backupPath)) return;
  const { bytes } = readConfigFile(configPath);
  if (hashOf(bytes) !== originalHash) return;
  try {
    replaceFile(backupPath, bytes, 0o600);
  } catch (error) {
    throw new CommandError(
      "backup_failed",
      `${backupPath} cannot be written (${(error as NodeJS.ErrnoException).code}). Nothing was changed.`,
      EXIT.failed,
      { cause: error },
    );
  }
}

function mergeSet(known: ChangeRecord["set"], changes: readonly Change[]): ChangeRecord["set"] {
  const fresh = changes
    .filter(({ path }) => !same(path, PASSWORD))
    .map(({ path, after }) => ({ path: [...path], value: after ?? null }));
  return [...known.filter(({ path }) => !fresh.some((entry) => same(entry.path, path))), ...fresh];
}

/** @throws {CommandError} change_refused, with OpenClaw's own words */
export async function patchConfig(
  cli: OpenClawCli,
  patch: Record<string, unknown>,
  flags: readonly string[],
): Promise<void> {
  // A list is replaced as a whole anyway; with the flag OpenClaw does not ask whether entries may go.
  const replace = valueAt(patch, ALLOWED_ORIGINS) === undefined ? [] : ["--replace-path", ALLOWED_ORIGINS.join(".")];
  const { exit, stdout, stderr } = await cli.run(["config", "patch", "--stdin", ...flags, ...replace], {
    stdin: JSON.stringify(patch),
  });
  if (exit === 0) return;
  let words = `${stderr}${stdout}`.trim();
  const secret = valueAt(patch, PASSWORD);
  if (typeof secret === "string") words = words.replaceAll(secret, "(secret)");
  throw new CommandError("change_refused", `OpenClaw refused the change:\n${words}`);
}
