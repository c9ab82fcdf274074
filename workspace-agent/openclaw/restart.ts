/** Waits until the running OpenClaw lives by its configuration; restarts it where it does not do so by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../commands/command.ts";
import type { Installation } from "./installation.ts";

const POLL_MS = 250;
/** OpenClaw 2026.9.6 sees its file change at once and is back in about 7 s; on a busy machine it takes longer. */
const BY_ITSELF_MS = 120_000;
const AFTER_RESTART_MS = 120_000;

export interface Restart {
  /** What was needed: nothing, OpenClaw's own reload, or a restart by its service manager. */
  how: "none" | "by_itself" | "service";
}

/**
 * @param reloadMode `gateway.reload.mode`: in `off` and `hot` OpenClaw does not restart itself
 * @param inForce whether the running OpenClaw has taken the change
 * @throws {CommandError} restart_needed, when a person must do it
 */
export async function awaitChange(
  { running, service, cli }: Installation,
  reloadMode: string | undefined,
  inForce: () => Promise<boolean>,
): Promise<Restart> {
  if (running === null) return { how: "none" };
  const restartsItself = reloadMode === undefined || reloadMode === "hybrid" || reloadMode === "restart";
  if (await inForce()) return { how: "none" };
  if (restartsItself && (await until(inForce, BY_ITSELF_MS))) return { how: "by_itself" };
  if (service) {
    const { exit } = await cli.run(["gateway", "restart"]);
    if (exit === 0 && (await until(inForce, AFTER_RESTART_MS))) return { how: "service" };
  }
  const which = running.pid === null ? "" : ` (pid ${running.pid})`;
  throw new CommandError(
    "restart_needed",
    `openclaw.json is changed, but the running OpenClaw${which} does not follow it yet. Restart it, and run this again.`,
  );
}

async function until(holds: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(POLL_MS)) {
    if (await holds()) return true;
  }
  return false;
}
