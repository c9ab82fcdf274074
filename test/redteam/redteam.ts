/** The red team against the running whole: every attempt, one after the other, as a table. */
import { tryOut } from "./attempt.ts";
import { ATTEMPTS } from "./attempts.ts";
import { startWorld } from "./world.ts";

export interface RedTeamOptions {
  home: string;
  /** Attempts whose id or threat holds this; all of them without it. */
  only?: string | undefined;
  onLine: (line: string) => void;
  onStarted: (stop: () => Promise<void>) => void;
}

/** Of the columns; the last one has what is left. */
const WIDTHS = [5, 62, 46] as const;
const MAX_CELL = 180;

/** @returns whether every attempt held */
export async function runRedTeam({ home, only, onLine, onStarted }: RedTeamOptions): Promise<boolean> {
  const chosen = ATTEMPTS.filter(({ id, threat }) => only === undefined || id.includes(only) || threat === only);
  const world = await startWorld(home);
  onStarted(world.stop);
  onLine(row("held", "", "attempt", "expected", "got"));
  const broken: string[] = [];
  for (const attempt of chosen) {
    const { got, held } = await tryOut(attempt, world);
    if (!held) broken.push(attempt.id);
    onLine(row(held ? "yes" : "NO", attempt.threat, attempt.tried, attempt.expected, got));
  }
  onLine(`${chosen.length - broken.length} of ${chosen.length} attempts held`);
  for (const id of broken) onLine(`did not hold: ${id}`);
  return broken.length === 0 && chosen.length > 0;
}

function row(held: string, threat: string, tried: string, expected: string, got: string): string {
  const [short, wide, middle] = WIDTHS;
  const cells = [held.padEnd(short), threat.padEnd(short), fit(tried, wide), fit(expected, middle), printable(got)];
  return cells.join(" | ");
}

function fit(text: string, width: number): string {
  const shown = printable(text);
  return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown.padEnd(width);
}

/** What was sent and what came must not reach a terminal as it is. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "·").slice(0, MAX_CELL);
}
