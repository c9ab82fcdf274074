/** How one check is judged, and what several of them need. Pure. */
import { explain } from "../openclaw/refusals.ts";
import { fail, skipped, type Verdict } from "./check.ts";
import type { Facts, OpenClawFacts, WorkspaceFacts } from "./facts.ts";

export interface Rule {
  title: string;
  judge(facts: Facts): Verdict;
}

/** What mends most settings. */
export const CONFIGURE = "tidegate-agent configure";

export function because(reason: string): string {
  return `${reason}: ${explain(reason)?.meaning ?? "a reason that this agent does not know."}`;
}

export function withOpenClaw(title: string, judgeIt: (openclaw: OpenClawFacts) => Verdict): Rule {
  return {
    title,
    judge: ({ openclaw }) => ("code" in openclaw ? skipped("OpenClaw cannot be asked.") : judgeIt(openclaw)),
  };
}

export function withSettings(
  title: string,
  judgeIt: (openclaw: OpenClawFacts, wanted: NonNullable<Facts["wanted"]>) => Verdict,
): Rule {
  return {
    title,
    judge: ({ openclaw, wanted }) => {
      if ("code" in openclaw) return skipped("OpenClaw cannot be asked.");
      return wanted === null ? skipped("Not configured.") : judgeIt(openclaw, wanted);
    },
  };
}

export function withWorkspace(title: string, judgeIt: (workspace: WorkspaceFacts) => Verdict): Rule {
  return {
    title,
    judge: ({ workspace }) => {
      if (workspace === null) return skipped("Not configured.");
      return "code" in workspace ? fail(workspace.message, CONFIGURE) : judgeIt(workspace);
    },
  };
}
