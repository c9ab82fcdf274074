import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { downloadFolder } from "./paths.ts";
import { endFormerRun, findLiveRun, openRunRecord } from "./run-record.ts";
import { ScriptError, say } from "./script-error.ts";

export interface RunHome {
  folder: string;
  /** Writes down the processes of the run, so that the next one can end what a `kill -9` leaves. */
  refresh(): void;
  close(): void;
}

/**
 * An empty folder for a run that keeps nothing, whose former run has left no process behind.
 * @throws {ScriptError} already_running
 */
export async function openRunHome(name: string): Promise<RunHome> {
  const folder = join(downloadFolder, name);
  const live = findLiveRun(folder);
  if (live !== undefined) throw new ScriptError("already_running", `${name} runs already (pid ${live})`);
  mkdirSync(folder, { recursive: true });
  await endFormerRun(folder);
  for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true, force: true });
  const record = openRunRecord(folder);
  return { folder, refresh: record.refresh, close: record.close };
}

const END_MS = 10_000;

/** Has a run end by a signal, and at the latest after `limitSeconds`; whatever `end` does not manage is cut short. */
export function boundRun(limitSeconds: number, end: () => Promise<void>): void {
  const leave = (exitCode: number) => {
    setTimeout(() => process.exit(exitCode), END_MS).unref();
    void end().finally(() => process.exit(exitCode));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => leave(130));
  setTimeout(() => {
    say(`not done after ${limitSeconds} s: stopping`);
    leave(1);
  }, limitSeconds * 1000).unref();
}
