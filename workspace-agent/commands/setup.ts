/** `setup`: enroll, configure, doctor and install, in turn. Each goes on where it was, so that setup does, too. */
import { type Command, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

export interface SetupSteps {
  enroll: Command;
  configure: Command;
  doctor: Command;
  install: Command;
}

const STEPS = ["enroll", "configure", "doctor", "install"] as const;

export function setupOf(steps: SetupSteps): Command {
  return {
    usage: "setup <address>",
    summary: "all of the following four, in turn; run again, it goes on where it was",
    flags: {
      ...steps.enroll.flags,
      ...steps.configure.flags,
      ...steps.install.flags,
      "no-service": { type: "boolean" },
    },
    run: (context) => runSteps(steps, context),
  };
}

async function runSteps(steps: SetupSteps, context: CommandContext): Promise<Outcome> {
  const results: Record<string, unknown> = {};
  for (const name of STEPS) {
    if (name === "install" && !(await wanted(context))) {
      results[name] = "not wanted";
      context.say("Not installed as a service. Run it by hand: tidegate-agent run");
      continue;
    }
    context.say(`\n${name[0]?.toUpperCase()}${name.slice(1)}`);
    const { exit, result } = await steps[name].run(context);
    results[name] = result;
    // A dry run changes nothing, so what comes after cannot find what it needs.
    if (exit !== EXIT.done) return { exit, result: results };
    if (context.dryRun && name === "enroll" && result["already"] !== true) {
      context.say("Then: configure OpenClaw, check everything, install a service.");
      break;
    }
  }
  return done(results);
}

async function wanted({ flags, dryRun, confirm }: CommandContext): Promise<boolean> {
  if (flags["no-service"] === true) return false;
  return dryRun || confirm("Install as a service?");
}
