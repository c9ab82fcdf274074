/** What is wrong with a configuration: a name and what is expected there. A value never: it may be a secret. */

export interface ConfigProblem {
  /** A variable, or a place in the tenants file. */
  name: string;
  /** What a good value is, as a fixed text of ours. */
  expected: string;
}

/** The configuration cannot be used; every request is refused until it can. */
export class ConfigError extends Error {
  readonly code = "config_invalid";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ name, expected }) => `${name}: ${expected}`).join("; "));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Collects problems, each once, in the order they were found. */
export class Problems {
  readonly list: ConfigProblem[] = [];

  add(name: string, expected: string): void {
    const known = this.list.some((problem) => problem.name === name && problem.expected === expected);
    if (!known) this.list.push({ name, expected });
  }
}
