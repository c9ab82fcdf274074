/** `install`: the agent as a service of this person, or of the machine. Run again, it brings what is there up to date. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, readConfig } from "../config.ts";
import { waitConnected } from "../enrolment/wait-connected.ts";
import { requireManager } from "../service/find-manager.ts";
import { programFile, replaceProgram, runningProgram } from "../service/program.ts";
import { SERVICE_VARIABLES, type ServiceFile, type ServicePlan } from "../service/service-plan.ts";
import { windowsScript } from "../service/windows.ts";
import { withLock } from "../state/lock.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

const CONNECT_TIMEOUT_MS = 20_000;

export const install: Command = {
  usage: "install [--system]",
  summary: "runs it as a service: of this person, or with --system --user NAME of the machine",
  flags: { system: { type: "boolean" }, user: { type: "string" } },
  run: (context) => withLock(context.folder, () => installIn(context)),
};

async function installIn(context: CommandContext): Promise<Outcome> {
  const { say, dryRun, env, flags } = context;
  const system = flags["system"] === true;
  const from = runningProgram();
  const plan = planOf(context, programFile(env, system));
  if (process.platform === "win32") {
    say("Run this in PowerShell:\n");
    say(windowsScript(plan));
    return done({ script: "printed" });
  }
  const manager = requireManager(context);
  const files = manager.files(plan);
  if (dryRun) {
    for (const { path, content } of files) say(`Would write ${path}:\n\n${content}`);
    return done({ dryRun: true, files: files.map(({ path }) => path) });
  }
  replaceProgram(plan.program, from);
  for (const file of files) write(file);
  for (const sentence of manager.start(plan)) say(sentence);
  if (!(await waitConnected(context, CONNECT_TIMEOUT_MS))) {
    const look = "Look at: tidegate-agent logs, tidegate-agent doctor";
    throw new CommandError(
      "not_connected",
      `The service runs, but has not reached the gateway. ${look}`,
      EXIT.unhealthy,
    );
  }
  say(`Installed as a service of ${manager.name}, and connected.`);
  return done({ manager: manager.name, program: plan.program, files: files.map(({ path }) => path) });
}

function planOf({ folder, env, flags }: CommandContext, program: string): ServicePlan {
  const user = typeof flags["user"] === "string" ? flags["user"] : null;
  if (flags["system"] === true && user === null) {
    throw new CommandError("usage", "--system needs --user: the account that runs OpenClaw, not root.", EXIT.usage);
  }
  if (user !== null && !/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) {
    throw new CommandError("usage", "--user must be an account's name.", EXIT.usage);
  }
  try {
    const { workspaces } = readConfig(folder, env);
    const set = SERVICE_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
    return { node: process.execPath, program, state: folder, workspaces, variables: Object.fromEntries(set), user };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) => `\n  ${problem}`).join("");
    throw new CommandError("config_invalid", `Enroll and configure first. In ${folder}:${problems}`, EXIT.config);
  }
}

function write({ path, content, mode }: ServiceFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
  // The mode above is for a new file only.
  chmodSync(path, mode);
}
