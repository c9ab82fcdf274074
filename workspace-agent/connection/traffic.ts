/** What went through the tunnel since this process started; counted where it happens, read by the metrics. */
export class Traffic {
  readonly batches = { in: 0, out: 0 };
  /** Of whole messages, headers included, what was sent again after a cut too. */
  readonly bytes = { in: 0, out: 0 };
  links = 0;
  resumes = 0;
  /** Connections by their close code; only codes that {@link endLabel} knows, so that no peer makes new ones. */
  readonly ends = new Map<string, number>();

  countEnd(code: number): void {
    const label = endLabel(code);
    this.ends.set(label, (this.ends.get(label) ?? 0) + 1);
  }
}

const KNOWN_ENDS: ReadonlySet<number> = new Set([1000, 1001, 1005, 1006, 1011, 1012, 4400, 4401, 4408, 4409, 4410]);

function endLabel(code: number): string {
  return KNOWN_ENDS.has(code) ? String(code) : "other";
}
