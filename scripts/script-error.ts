import { explainSystemError } from "./system-error.mjs";

export type ScriptErrorCode =
  | "access_in_front"
  | "already_running"
  | "bad_setting"
  | "browser_not_usable"
  | "cloudflare_refused"
  | "config_invalid"
  | "discovery_failed"
  | "edge_not_started"
  | "host_not_in_account"
  | "host_taken"
  | "not_confirmed"
  | "not_signed_in"
  | "not_trusted_proxy"
  | "openclaw_not_installed"
  | "openclaw_not_reachable"
  | "port_in_use"
  | "state_corrupted"
  | "not_connected"
  | "not_enough_disk"
  | "rollback_refused"
  | "secret_missing"
  | "smoke_check_failed"
  | "wrangler_failed"
  | "workspace_unusable";

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

/** Ends the process with a refusal's text, with the disk's reason in words, or with the whole error when it is ours to fix. */
export function exitWith(error: unknown): never {
  const text = error instanceof ScriptError ? error.message : explainSystemError(error);
  if (text === undefined) console.error(error);
  else say(text);
  process.exit(1);
}
