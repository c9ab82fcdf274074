/** `doctor`: looks at everything that must hold between gateway, agent and OpenClaw, and changes nothing. */
import type { Check, State } from "../doctor/check.ts";
import { judge } from "../doctor/checks.ts";
import { gatherFacts } from "../doctor/gather-facts.ts";
import { explain } from "../openclaw/refusals.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

const MARKS: Record<State, string> = { ok: "ok  ", warn: "warn", fail: "FAIL", skipped: "–   " };

export const doctor: Command = {
  usage: "doctor [<reason>]",
  summary: "check gateway, key, clock, OpenClaw and workspace; or say what OpenClaw means by a reason",
  flags: { openclaw: { type: "string" } },
  async run(context) {
    const [reason] = context.words;
    if (reason !== undefined) return explainReason(context, reason);
    const checks = judge(await gatherFacts(context));
    for (const check of checks) describe(check).forEach(context.say);
    const failed = checks.filter(({ state }) => state === "fail").length;
    context.say(failed === 0 ? "Nothing is wrong." : `${failed} of ${checks.length} checks failed.`);
    return { exit: failed === 0 ? EXIT.done : EXIT.unhealthy, result: { checks } };
  },
};

function explainReason({ say }: CommandContext, reason: string): Outcome {
  const found = explain(reason);
  if (found === null)
    throw new CommandError("unknown_reason", `This agent does not know the reason ${reason}.`, EXIT.usage);
  say(found.meaning);
  say(`Mend: ${found.mend}`);
  return done({ reason, ...found });
}

function describe({ state, title, sentence, mend }: Check): string[] {
  return [`${MARKS[state]}  ${title}: ${sentence}`, ...(mend === undefined ? [] : [`      Mend: ${mend}`])];
}
