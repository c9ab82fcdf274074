/** What every command of `tidegate-agent` gets and gives; the shell that prints and exits is cli.ts. */

/** The flags that every command knows. */
export interface Terms {
  /** Nobody is asked: yes to every question. */
  yes: boolean;
  /** Says what would be done, and does nothing. */
  dryRun: boolean;
  /** One JSON object on stdout; sentences go to stderr. */
  json: boolean;
}

export interface CommandContext extends Terms {
  /** The folder of agent.json and agent.key; absolute, and not made yet on a first run. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** What comes behind the command's name, flags left out. */
  words: readonly string[];
  /** Flags of this command alone, by name. */
  flags: Readonly<Record<string, string | boolean | undefined>>;
  /** A sentence for people; what others chose is cleaned of control characters. */
  say(sentence: string): void;
  /** A question with yes or no; "yes" with `--yes`, and refused without a terminal. @throws {CommandError} not_asked */
  confirm(question: string): Promise<boolean>;
  /** Waits for a line of stdin, for secrets too: nothing secret is ever an argument. @throws {CommandError} not_asked */
  ask(question: string): Promise<string>;
  fetch: typeof fetch;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** How a command ended. `result` is what `--json` prints; nothing secret is in it. */
export interface Outcome {
  exit: number;
  result: Readonly<Record<string, unknown>>;
}

export interface Command {
  /** Behind the command's name in the list of `--help`. */
  usage: string;
  summary: string;
  /** Flags of its own besides {@link Terms}, `--state` and `--help`. */
  flags?: Readonly<Record<string, { type: "string" | "boolean" }>>;
  /** @throws {CommandError} with what a person can do about it */
  run(context: CommandContext): Promise<Outcome>;
}

/** `tidegate-agent`'s exit codes (docs/agent.md). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  config: 3,
  superseded: 4,
  /** A person or an administrator said no. */
  refused: 5,
  /** Checks were made, and at least one failed. */
  unhealthy: 6,
} as const;

/** Told to the person as one sentence, without a stack; `code` is stable and printed with `--json`. */
export class CommandError extends Error {
  readonly code: string;
  readonly exit: number;

  constructor(code: string, message: string, exit: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = "CommandError";
    this.code = code;
    this.exit = exit;
  }
}

export function done(result: Record<string, unknown> = {}): Outcome {
  return { exit: EXIT.done, result };
}
