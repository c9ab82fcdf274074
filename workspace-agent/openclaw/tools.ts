/** What OpenClaw's `tools` settings let the model run. Pure. */
import { valueAt } from "./setting-path.ts";

const NAMES_OF_EXEC = new Set(["exec", "group:runtime", "*"]);

/** @param tools the setting as OpenClaw printed it @returns whether the model cannot run commands at all */
export function hasNoExec(tools: unknown): boolean {
  if (valueAt(tools, ["exec", "mode"]) === "deny") return true;
  const deny = valueAt(tools, ["deny"]);
  return Array.isArray(deny) && deny.some((name) => NAMES_OF_EXEC.has(String(name).toLowerCase()));
}
