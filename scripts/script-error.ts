export type ScriptErrorCode =
  | "already_running"
  | "bad_setting"
  | "browser_not_usable"
  | "not_trusted_proxy"
  | "openclaw_not_installed"
  | "openclaw_not_reachable"
  | "port_in_use"
  | "state_corrupted"
  | "not_enough_disk";

/** A refusal whose message is meant for the person at the terminal: no stack, the next step named. */
export class ScriptError extends Error {
  readonly code: ScriptErrorCode;

  constructor(code: ScriptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ScriptError";
    this.code = code;
  }
}

/** Prints `line` for a person; stdout stays free for what scripts wait on. */
export function say(line: string): void {
  process.stderr.write(`tidegate: ${line}\n`);
}

/** Ends the process with a refusal's text, or with the whole error when it is ours to fix. */
export function exitWith(error: unknown): never {
  if (error instanceof ScriptError) say(error.message);
  else console.error(error);
  process.exit(1);
}
