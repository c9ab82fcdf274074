/** The agent's own side: what it runs on, and its gateway. Pure. */
import { fail, ok, skipped } from "./check.ts";
import type { Rule } from "./rule.ts";

/** The gateway refuses an agent whose clock is off by more. */
const MAX_CLOCK_OFFSET_MS = 60_000;
const OLDEST_NODE = 22;

export const AGENT_RULES: Readonly<Record<string, Rule>> = {
  node: {
    title: "Node",
    judge: ({ nodeVersion }) =>
      Number.parseInt(nodeVersion, 10) >= OLDEST_NODE
        ? ok(`Node ${nodeVersion}`)
        : fail(`Node ${nodeVersion} is too old.`, `Install Node ${OLDEST_NODE} or newer.`),
  },
  enrolled: {
    title: "Enrolled",
    judge: ({ state }) =>
      state.enrolled
        ? ok("The agent knows its gateway.")
        : fail("The agent knows no gateway.", "tidegate-agent enroll https://…"),
  },
  state: {
    title: "Key and settings",
    judge: ({ state: { folder, problems } }) =>
      problems.length === 0
        ? ok(`${folder} is readable by this user alone.`)
        : fail(problems.join(" "), `Mend what is named, in ${folder}.`),
  },
  edge: {
    title: "Gateway",
    judge: ({ edge }) => {
      if (edge === null) return skipped("Not enrolled.");
      if (edge.status === 200) return ok(`${edge.host} answers.`);
      const why = edge.status === null ? `does not answer (${edge.error ?? "no reason"})` : `answers ${edge.status}`;
      return fail(
        `${edge.host} ${why}.`,
        "Check name, network and certificate: curl -sS https://<gateway>/_gate/healthz",
      );
    },
  },
  clock: {
    title: "Clock",
    judge: ({ edge }) => {
      const offsetMs = edge?.clockOffsetMs ?? null;
      if (offsetMs === null) return skipped("The gateway did not tell its time.");
      const seconds = Math.round(Math.abs(offsetMs) / 1000);
      if (Math.abs(offsetMs) <= MAX_CLOCK_OFFSET_MS) return ok(`${seconds} s from the gateway's.`);
      const how = offsetMs > 0 ? "behind" : "ahead of";
      return fail(
        `This clock is ${seconds} s ${how} the gateway's: the agent's proof is refused.`,
        "Set the clock: timedatectl set-ntp true",
      );
    },
  },
};
