/** What `doctor` checks, in order: each a judgement of the facts. Pure. */
import { MAX_PERSONAL_CHARACTERS } from "../identity/roster.ts";
import { planChange } from "../openclaw/plan-change.ts";
import { explain, findRefusal } from "../openclaw/refusals.ts";
import { judgeVersion, NEWEST_TESTED } from "../openclaw/version.ts";
import { type Check, fail, ok, skipped, type Verdict, warn } from "./check.ts";
import type { Facts, OpenClawFacts, WorkspaceFacts } from "./facts.ts";

/** The gateway refuses an agent whose clock is off by more. */
const MAX_CLOCK_OFFSET_MS = 60_000;
const OLDEST_NODE = 22;
/** OpenClaw cuts a longer root USER.md in the middle. */
const ROOT_BUDGET_CHARACTERS = 4_000;
const CONFIGURE = "tidegate-agent configure";

interface Rule {
  title: string;
  judge(facts: Facts): Verdict;
}

const RULES: Readonly<Record<string, Rule>> = {
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
  openclaw: {
    title: "OpenClaw",
    judge: ({ openclaw }) => {
      if ("code" in openclaw) return fail(openclaw.message, "See above.");
      return openclaw.running
        ? ok(`Runs, with ${openclaw.configPath}.`)
        : fail("OpenClaw does not run.", "openclaw gateway, or its service: openclaw gateway start");
    },
  },
  version: withOpenClaw("OpenClaw's version", ({ version }) =>
    judgeVersion(version) === "newer"
      ? warn(
          `${version} is newer than ${NEWEST_TESTED}, the newest that this agent was tested with.`,
          "Update the agent.",
        )
      : ok(version),
  ),
  token: withOpenClaw("Token in the environment", ({ tokenVariable }) =>
    tokenVariable === null
      ? ok("OPENCLAW_GATEWAY_TOKEN is not set.")
      : fail(
          `OPENCLAW_GATEWAY_TOKEN is set in ${tokenVariable}: OpenClaw refuses to start in trusted-proxy mode.`,
          "Take it out there, and restart OpenClaw.",
        ),
  ),
  settings: withSettings("OpenClaw's settings", (openclaw, wanted) => {
    const { changes } = planChange(openclaw.settings, { ...wanted, admins: [] }, null);
    if (changes.length === 0) return ok("As the agent needs them.");
    const reason = findRefusal(openclaw.settings, wanted);
    const meaning = openclaw.settings.auth.mode === "trusted-proxy" && reason !== null ? ` ${because(reason)}` : "";
    return fail(
      `Not as the agent needs them: ${changes.map(({ path }) => path.join(".")).join(", ")}.${meaning}`,
      CONFIGURE,
    );
  }),
  allowlist: withSettings("OpenClaw's own list of people", ({ settings }) =>
    (settings.auth.trustedProxy?.allowUsers ?? []).length === 0
      ? ok("None: the gateway decides.")
      : warn(because("trusted_proxy_user_not_allowed"), "openclaw config unset gateway.auth.trustedProxy.allowUsers"),
  ),
  bind: withOpenClaw("OpenClaw's address", ({ settings: { bind } }) =>
    bind === undefined || bind === "loopback"
      ? ok("Loopback alone.")
      : warn(`It listens beyond this machine (gateway.bind is ${bind}).`, "openclaw config set gateway.bind loopback"),
  ),
  "config-file": withOpenClaw("openclaw.json", ({ configMode, configPath }) =>
    configMode === null || (configMode & 0o077) === 0
      ? ok("Readable by its user alone.")
      : warn(
          `${configPath} may be read by other users: the agent's password and the header's secret name are in it.`,
          `chmod 600 ${configPath}`,
        ),
  ),
  person: {
    title: "A signed-in person",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      const { status, type } = probes.asPerson;
      if (status === 200) return ok("Is let in from the agent's address.");
      const why = type === null || explain(type) === null ? `answers ${status ?? "nothing"}` : because(type);
      return fail(`OpenClaw lets nobody in through the agent: ${why}`, CONFIGURE);
    },
  },
  nobody: {
    title: "A request without a person",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      if (probes.asNobody.status === null) return skipped("OpenClaw does not answer.");
      return probes.asNobody.status === 200
        ? fail("Is let in: OpenClaw does not ask who is there.", CONFIGURE)
        : ok("Is refused.");
    },
  },
  forged: {
    title: "Another program of this machine",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      if (probes.forged === null)
        return warn(
          "The agent has no loopback address of its own here: only the header's secret name tells it from others.",
          "Nothing on this system.",
        );
      if (probes.forged.status === null) return skipped("OpenClaw does not answer.");
      return probes.forged.status === 200
        ? fail("Is believed from 127.0.0.1, whoever it says is there.", CONFIGURE)
        : ok("Is refused at 127.0.0.1, even if it knows the header's name.");
    },
  },
  password: {
    title: "The agent's own way in",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      return probes.backendError === null
        ? ok("OpenClaw takes the agent's password.")
        : fail(
            `OpenClaw does not let the agent in: ${probes.backendError}. People's profiles cannot be learned.`,
            CONFIGURE,
          );
    },
  },
  profiles: {
    title: "People's profiles",
    judge: ({ probes }) => {
      if (probes === null || probes.backendError !== null) return skipped("They cannot be read.");
      return probes.sharedProfiles === 0
        ? ok("Each is one person's.")
        : warn(
            `${probes.sharedProfiles} of OpenClaw's profiles hold several addresses: whoever speaks from them may count as not verified.`,
            "Split them in OpenClaw: users.unlinkEmail",
          );
    },
  },
  workspace: withWorkspace("Workspace", ({ folder, openclawFolder, writable, refused }) => {
    if (openclawFolder !== null && openclawFolder !== folder) {
      return fail(`OpenClaw works in ${openclawFolder} now; the agent writes to ${folder}.`, CONFIGURE);
    }
    if (!writable)
      return fail(`The agent may not write in ${folder}.`, `chown or chmod ${folder} for the agent's user.`);
    return refused.length === 0
      ? ok(folder)
      : fail(`OpenClaw ignores what is a link or no file: ${refused.join(", ")}.`, "Replace each by a plain file.");
  }),
  budget: withWorkspace("USER.md", ({ rootCharacters, tooLong }) => {
    if (tooLong > 0) {
      return warn(
        `${tooLong} personal USER.md are longer than ${MAX_PERSONAL_CHARACTERS} characters: OpenClaw leaves them out.`,
        "Shorten what is below the agent's block.",
      );
    }
    if (rootCharacters === null) return ok("Not there yet.");
    return rootCharacters <= ROOT_BUDGET_CHARACTERS
      ? ok(`${rootCharacters} of ${ROOT_BUDGET_CHARACTERS} characters.`)
      : warn(
          `USER.md has ${rootCharacters} characters: of more than ${ROOT_BUDGET_CHARACTERS} OpenClaw cuts out the middle.`,
          "Shorten what is below the agent's block.",
        );
  }),
  user: {
    title: "The agent's user",
    judge: ({ openclaw, uid }) => {
      if ("code" in openclaw || openclaw.uid === null || uid === null) return skipped("OpenClaw's user is not known.");
      return openclaw.uid !== uid
        ? ok("Is not OpenClaw's.")
        : warn(
            "Agent and OpenClaw run as one user: what the assistant runs can read the agent's key.",
            "Run the agent as a user of its own (docs/agent.md).",
          );
    },
  },
  exec: withOpenClaw("The assistant's commands", ({ sandboxMode, execDenied }) =>
    execDenied || sandboxMode === "all"
      ? ok(execDenied ? "It has none." : "They run in a sandbox.")
      : warn(
          "Un-sandboxed exec: whoever may chat can have commands run as OpenClaw's user, which can change USER.md and everything else that says who speaks.",
          'openclaw config set agents.defaults.sandbox.mode all, or deny the tool "exec"',
        ),
  ),
};

/** @returns every check, also those that could not be made */
export function judge(facts: Facts): Check[] {
  return Object.entries(RULES).map(([id, rule]) => ({ id, title: rule.title, ...rule.judge(facts) }));
}

function because(reason: string): string {
  return `${reason}: ${explain(reason)?.meaning ?? "a reason that this agent does not know."}`;
}

function withOpenClaw(title: string, judgeIt: (openclaw: OpenClawFacts) => Verdict): Rule {
  return {
    title,
    judge: ({ openclaw }) => ("code" in openclaw ? skipped("OpenClaw cannot be asked.") : judgeIt(openclaw)),
  };
}

function withSettings(
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

function withWorkspace(title: string, judgeIt: (workspace: WorkspaceFacts) => Verdict): Rule {
  return {
    title,
    judge: ({ workspace }) => {
      if (workspace === null) return skipped("Not configured.");
      return "code" in workspace ? fail(workspace.message, CONFIGURE) : judgeIt(workspace);
    },
  };
}
