/** "Did you mean": unknown names are most often misspelt ones. */

/** Looks like a name of ours, as a variable or as a key; anything else is not repeated, it could be a pasted secret. */
const NAME = /^([A-Z][A-Z0-9_]{0,39}|[A-Za-z$]{1,19})$/;

/** @returns the sentence for a name that nobody reads */
export function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "is not a known name" : `is not a known name; did you mean ${nearest}?`;
}

/** @returns the name if it may be shown */
export function showName(name: string): string {
  return NAME.test(name) ? name : "(a name that is none)";
}

/** @returns the known name at most two changes away (one in a short name), if there is any */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }));
  ranked.sort((one, other) => one.far - other.far);
  const [best] = ranked;
  return best !== undefined && best.far <= (best.candidate.length < 6 ? 1 : 2) ? best.candidate : undefined;
}

/** Changes, additions, omissions and swaps of neighbours, by rows; names longer than 64 are far from everything. */
function distance(from: string, to: string): number {
  if (from.length > 64) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const turned = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const turn = turned ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(change, turn, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}
