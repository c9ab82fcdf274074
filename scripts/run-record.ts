import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "./atomic-file.ts";
import { endProcess, isRunning, listProcesses, processIdOf } from "./processes.mjs";

const GRACE_MS = 3000;

interface RecordedProcess {
  pid: number;
  startTime: string | undefined;
  name: string;
  /** It leads a process group which ends with it. */
  group: boolean;
}

interface Run {
  pid: number;
  startTime: string | undefined;
  children: RecordedProcess[];
}

/** Remembers on disk which processes belong to a run, so that the next one can end what `kill -9` left behind. */
export interface RunRecord {
  /** Writes down every direct child of this process as it is now. */
  refresh(): void;
  /** Forgets the run: everything has ended. */
  close(): void;
}

/** Begins the record of this process's run in `home`. Call `endFormerRun` first. */
export function openRunRecord(home: string): RunRecord {
  const path = join(home, "run.json");
  const refresh = (): void => {
    const children = listProcesses()
      .filter((entry) => entry.parentPid === process.pid)
      .map(({ pid, startTime, name, groupId }) => ({ pid, startTime, name, group: groupId === pid }));
    const run: Run = { ...processIdOf(process.pid), children };
    writeFileAtomic(path, JSON.stringify(run, undefined, 2));
  };
  refresh();
  return { refresh, close: () => rmSync(path, { force: true }) };
}

/** The pid of a run of `home` that is alive now, if there is one. */
export function findLiveRun(home: string): number | undefined {
  const run = readRun(home);
  return run && run.pid !== process.pid && isRunning(run) ? run.pid : undefined;
}

/**
 * Ends the children of a run whose own process is gone; returns how many there were. A pid is touched only if it is
 * still the same process, proven by its start time.
 */
export async function endFormerRun(home: string): Promise<number> {
  const run = readRun(home);
  if (!run || isRunning(run)) return 0;
  const left = run.children.filter((child) => isRunning(child));
  await Promise.all(left.map((child) => endProcess(child, GRACE_MS)));
  rmSync(join(home, "run.json"), { force: true });
  return left.length;
}

/** A record that cannot be read proves nothing, so it ends nothing. */
function readRun(home: string): Run | undefined {
  try {
    const run = JSON.parse(readFileSync(join(home, "run.json"), "utf8")) as Run;
    return Number.isInteger(run.pid) && Array.isArray(run.children) ? run : undefined;
  } catch {
    return undefined;
  }
}
