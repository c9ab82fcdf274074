/** The service manager of this machine. */
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { CommandError, type CommandContext, EXIT } from "../commands/command.ts";
import { launchd } from "./launchd.ts";
import type { Execute, ServiceManager } from "./service-plan.ts";
import { systemd } from "./systemd.ts";

const TIMEOUT_MS = 60_000;

/** @returns null where there is none that we know */
export function findManager({ env, flags }: CommandContext): ServiceManager | null {
  if (process.platform === "darwin") return launchd(homedir(), process.getuid?.() ?? 0, execute);
  if (process.platform !== "linux" || execute("systemctl", ["--version"]).status !== 0) return null;
  if (flags["system"] === true) return systemd({ folder: "/etc/systemd/system", scope: "system" }, execute);
  const base = env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return systemd({ folder: join(base, "systemd/user"), scope: "user" }, execute);
}

/** @throws {CommandError} no_service_manager, in words that say what to do instead */
export function requireManager(context: CommandContext): ServiceManager {
  const manager = findManager(context);
  if (manager !== null) return manager;
  const instead = "Run it by what starts programs here: tidegate-agent run";
  throw new CommandError("no_service_manager", `There is no systemd here. ${instead}`, EXIT.failed);
}

const execute: Execute = (command, args) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  return { status: status ?? 127, out: stdout ?? "", error: error?.message ?? stderr ?? "" };
};
