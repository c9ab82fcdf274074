/** One thing that `doctor` looked at. */

export type State = "ok" | "warn" | "fail" | "skipped";

export interface Verdict {
  state: State;
  /** What was found. */
  sentence: string;
  /** What a person can do about it. */
  mend?: string;
}

export interface Check extends Verdict {
  /** Stable. */
  id: string;
  title: string;
}

export const ok = (sentence: string): Verdict => ({ state: "ok", sentence });
export const warn = (sentence: string, mend: string): Verdict => ({ state: "warn", sentence, mend });
export const fail = (sentence: string, mend: string): Verdict => ({ state: "fail", sentence, mend });
export const skipped = (why: string): Verdict => ({ state: "skipped", sentence: why });
