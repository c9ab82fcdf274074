/** `uninstall`: undoes all that setup did, in the other order. Cut short anywhere, it can be run again. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { GATE_PREFIX } from "#protocol/version.ts";
import { findEnrolment, requireCaller } from "../enrolment/enrolled.ts";
import { callGateway } from "../enrolment/gateway-call.ts";
import { findManager } from "../service/find-manager.ts";
import { programFile, removeFolderIfEmpty, removeProgram } from "../service/program.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";
import { unconfigure } from "./unconfigure.ts";

/** Everything that any command of ours puts into the state folder. */
const STATE_FILES = ["agent.env", "agent.key.next", "boot", "agent.key", "agent.json"];

export const uninstall: Command = {
  usage: "uninstall",
  summary: "undoes setup: service, OpenClaw's configuration, workspace, enrolment, state",
  flags: { ...unconfigure.flags, system: { type: "boolean" } },
  run: uninstallAll,
};

async function uninstallAll(context: CommandContext): Promise<Outcome> {
  const { folder, env, say, dryRun, flags } = context;
  if (!dryRun && !(await context.confirm(`Undo everything that ${folder} stands for?`))) {
    throw new CommandError("declined", "Nothing was changed.", EXIT.refused);
  }
  // One question is enough; the steps below would each ask theirs.
  const agreed = { ...context, yes: true, confirm: () => Promise.resolve(true) };
  const service = removeService(agreed);
  const { result: undone } = await unconfigure.run(agreed);
  const enrolment = await leave(agreed);
  if (dryRun) return done({ service, unconfigure: undone, enrolment, dryRun: true });
  for (const name of STATE_FILES) rmSync(join(folder, name), { force: true });
  removeProgram(programFile(env, flags["system"] === true));
  removeFolderIfEmpty(folder);
  say("Uninstalled.");
  return done({ service, unconfigure: undone, enrolment });
}

function removeService(context: CommandContext): string {
  const manager = findManager(context);
  if (manager === null || manager.state() === "absent") return "absent";
  if (context.dryRun) {
    context.say(`Would stop the service of ${manager.name}, and take it away.`);
    return "present";
  }
  manager.stop();
  for (const path of manager.unitFiles) rmSync(path, { force: true });
  context.say(`The service of ${manager.name} is gone.`);
  return "removed";
}

/** The gateway may be gone for good: then its administrator's list is the only place that still names this agent. */
async function leave(context: CommandContext): Promise<string> {
  if (findEnrolment(context.folder) === null) return "none";
  if (context.dryRun) return "present";
  try {
    await callGateway(requireCaller(context), "DELETE", `${GATE_PREFIX}/agent`);
    return "revoked";
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // Revoked before, or a key of the tenant document: nothing is left to do here.
    if (error.code === "agent_refused") return "revoked";
    context.say(
      `The gateway could not be told (${error.code}). Revoke this agent on its console, or in the tenant document.`,
    );
    return error.code;
  }
}
