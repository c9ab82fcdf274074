/** Medians over rounds, the ratio of full to floor, and the table. */
import type { Round } from "./workloads.ts";

export interface Measured {
  name: string;
  full: Round[];
  floor: Round[];
}

export interface Line {
  workload: string;
  metric: string;
  full: number;
  floor: number | null;
  ratio: number | null;
  /** What is aimed at, and whether it was met; null where there is no aim. */
  goal: string | null;
  met: boolean | null;
}

type Goal = { words: string; met: (full: number, ratio: number) => boolean };
const FASTER: Goal = { words: "at least the floor's", met: (_full, ratio) => ratio >= 1 };
const SOONER: Goal = { words: "at most 1.15 of the floor's", met: (_full, ratio) => ratio <= 1.15 };
const GOALS: Record<string, Goal> = {
  perSecond: FASTER,
  p50Ms: SOONER,
  "beside four downloads slower": { words: "under 10", met: (full) => full < 10 },
  "sign-out p99Ms": { words: "under 1000", met: (full) => full < 1_000 },
  errors: { words: "none", met: (full) => full === 0 },
};

export function linesOf(measured: Measured[]): Line[] {
  return measured.flatMap(({ name, full, floor }) =>
    Object.keys(full[0] ?? {}).map((m) => lineOf(name, m, full, floor)),
  );
}

function lineOf(workload: string, metric: string, fullRounds: Round[], floorRounds: Round[]): Line {
  const full = median(fullRounds.map((round) => round[metric] ?? Number.NaN));
  const floor = floorRounds.length === 0 ? null : median(floorRounds.map((round) => round[metric] ?? Number.NaN));
  const ratio = floor === null || floor === 0 ? null : full / floor;
  const goal = GOALS[`${workload} ${metric}`] ?? (floor === null && metric !== "errors" ? undefined : GOALS[metric]);
  return {
    workload,
    metric,
    full,
    floor,
    ratio,
    goal: goal?.words ?? null,
    met: goal === undefined ? null : goal.met(full, ratio ?? Number.NaN),
  };
}

export function printLines(lines: Line[]): void {
  const header = ["workload", "metric", "full", "floor", "full/floor", "aim", ""];
  const rows = lines.map((line) => [
    line.workload,
    line.metric,
    shown(line.full),
    line.floor === null ? "" : shown(line.floor),
    line.ratio === null ? "" : line.ratio.toFixed(2),
    line.goal ?? "",
    line.met === null ? "" : line.met ? "met" : "missed",
  ]);
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const isNumber = (at: number) => at >= 2 && at <= 4;
  for (const row of [header, ...rows]) {
    const cells = row.map((cell, at) => (isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)));
    console.log(cells.join("  ").trimEnd());
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function shown(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
