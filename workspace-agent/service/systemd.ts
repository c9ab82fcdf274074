/** A systemd unit, of the user or of the machine (systemd.service(5), systemd.exec(5)). */
import { join } from "node:path";
import { CommandError } from "../commands/command.ts";
import type { CommandResult, Execute, ServiceManager, ServicePlan } from "./service-plan.ts";

const UNIT = "tidegate-agent.service";

/** What an agent needs no more of than a shell does; all of it works without privileges. */
const HARDENING = `NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
UMask=0077`;

/** What only the machine's own manager can promise; OpenClaw's workspace may be anywhere, also below /home. */
const SYSTEM_HARDENING = `CapabilityBoundingSet=
AmbientCapabilities=
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes`;

export interface SystemdPlace {
  /** `~/.config/systemd/user`, or `/etc/systemd/system`. */
  folder: string;
  scope: "user" | "system";
}

/** @param variablesFile holds the plan's variables, when there are any */
export function systemdUnit(plan: ServicePlan, scope: SystemdPlace["scope"], variablesFile: string | null): string {
  const command = [plan.node, plan.program, "run", "--state", plan.state].map(quote).join(" ");
  const account = scope === "system" && plan.user !== null ? `User=${plan.user}\n` : "";
  const places = [plan.state, ...plan.workspaces].map(quote).join(" ");
  return `[Unit]
Description=Tidegate agent: connects this machine's OpenClaw to its gateway
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
${account}ExecStart=${command}
${variablesFile === null ? "" : `EnvironmentFile=${escapePath(variablesFile)}\n`}Restart=always
RestartSec=2
# A wrong configuration, or the same key running elsewhere: starting again would not mend it.
RestartPreventExitStatus=2 3 4
# Open exchanges may end, for ten seconds.
TimeoutStopSec=15
${HARDENING}
${scope === "system" ? `${SYSTEM_HARDENING}\nReadWritePaths=${places}\n` : ""}
[Install]
WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}
`;
}

/** A word of a command line or a list of paths: `%` and `$` stand for themselves. */
export function quote(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** The rest of a line is one path here, without quotes. */
function escapePath(path: string): string {
  return path.replaceAll("%", "%%");
}

/** `NAME="value"` lines, as EnvironmentFile= reads them. */
export function environmentFile(variables: Readonly<Record<string, string>>): string {
  const escape = (value: string) => value.replaceAll(/[\\"$`]/g, String.raw`\$&`);
  return Object.entries(variables)
    .map(([name, value]) => `${name}="${escape(value)}"\n`)
    .join("");
}

export function systemd({ folder, scope }: SystemdPlace, execute: Execute): ServiceManager {
  const systemctl = (...args: string[]): CommandResult =>
    execute("systemctl", [...(scope === "user" ? ["--user"] : []), ...args]);
  const must = (...args: string[]): void => {
    const { status, error } = systemctl(...args);
    if (status === 0) return;
    const said = error.trim().split("\n")[0] ?? "";
    throw new CommandError("service_failed", `systemctl ${args.join(" ")} failed (${status}): ${said}`);
  };
  return {
    name: `systemd (${scope})`,
    unitFiles: [join(folder, UNIT)],
    files(plan) {
      const variablesFile = Object.keys(plan.variables).length === 0 ? null : join(plan.state, "agent.env");
      const unit = { path: join(folder, UNIT), content: systemdUnit(plan, scope, variablesFile), mode: 0o644 };
      if (variablesFile === null) return [unit];
      return [{ path: variablesFile, content: environmentFile(plan.variables), mode: 0o600 }, unit];
    },
    start() {
      must("daemon-reload");
      must("enable", UNIT);
      must("restart", UNIT);
      if (scope === "system") return [];
      // Without it the manager, and the agent with it, ends when the person signs out of the machine.
      if (execute("loginctl", ["enable-linger"]).status === 0) return [];
      return ["It ends when you sign out of this computer. To let it stay: sudo loginctl enable-linger $USER"];
    },
    restart: () => must("restart", UNIT),
    stop() {
      systemctl("disable", "--now", UNIT);
    },
    state() {
      if (systemctl("cat", UNIT).status !== 0) return "absent";
      return systemctl("is-active", UNIT).out.trim() === "active" ? "running" : "stopped";
    },
    logCommand(follow) {
      const journal = [...(scope === "user" ? ["--user"] : []), "--unit", UNIT, "--lines", "200", "--no-pager"];
      return ["journalctl", follow ? [...journal, "--follow"] : journal];
    },
  };
}
