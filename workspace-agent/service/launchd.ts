/** A launchd agent of the user (launchd.plist(5)). Not run on macOS by its authors; the property list is checked as text. */
import { join } from "node:path";
import { CommandError } from "../commands/command.ts";
import type { Execute, ServiceManager, ServicePlan } from "./service-plan.ts";

const LABEL = "dev.tidegate.agent";

export function launchdPlist(plan: ServicePlan, logFile: string): string {
  const words = [plan.node, plan.program, "run", "--state", plan.state];
  const variables = Object.entries(plan.variables);
  const environment =
    variables.length === 0
      ? ""
      : `  <key>EnvironmentVariables</key>
  <dict>
${variables.map(([name, value]) => `    <key>${escape(name)}</key>\n    <string>${escape(value)}</string>\n`).join("")}  </dict>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${escape(word)}</string>\n`).join("")}  </array>
${environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>5</integer>
  <key>ExitTimeOut</key>
  <integer>15</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>${escape(logFile)}</string>
  <key>StandardErrorPath</key>
  <string>${escape(logFile)}</string>
</dict>
</plist>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @param home the person's home folder; `userId` names their domain */
export function launchd(home: string, userId: number, execute: Execute): ServiceManager {
  const path = join(home, "Library/LaunchAgents", `${LABEL}.plist`);
  const logFile = join(home, "Library/Logs/tidegate-agent.log");
  const target = `gui/${userId}/${LABEL}`;
  const must = (...args: string[]): void => {
    const { status, error } = execute("launchctl", args);
    if (status !== 0)
      throw new CommandError("service_failed", `launchctl ${args[0]} failed (${status}): ${error.trim()}`);
  };
  return {
    name: "launchd",
    unitFiles: [path],
    files: (plan) => [{ path, content: launchdPlist(plan, logFile), mode: 0o600 }],
    start() {
      execute("launchctl", ["bootout", target]);
      must("bootstrap", `gui/${userId}`, path);
      return [];
    },
    restart: () => must("kickstart", "-k", target),
    stop: () => void execute("launchctl", ["bootout", target]),
    state() {
      const { status, out } = execute("launchctl", ["print", target]);
      if (status !== 0) return "absent";
      return /state = running/.test(out) ? "running" : "stopped";
    },
    logCommand: (follow) => ["tail", follow ? ["-n", "200", "-f", logFile] : ["-n", "200", logFile]],
  };
}
