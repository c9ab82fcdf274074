/** OpenClaw: that it runs, and by which settings. Pure. */
import { planChange } from "../openclaw/plan-change.ts";
import { findRefusal } from "../openclaw/refusals.ts";
import { followsAdministrators, judgeVersion, NEWEST_TESTED } from "../openclaw/version.ts";
import { ADMIN_SCOPE } from "../openclaw/wanted.ts";
import { fail, ok, skipped, type Verdict, warn } from "./check.ts";
import type { Facts, OpenClawFacts } from "./facts.ts";
import { because, CONFIGURE, type Rule, withOpenClaw, withSettings } from "./rule.ts";

export const OPENCLAW_RULES: Readonly<Record<string, Rule>> = {
  openclaw: {
    title: "OpenClaw",
    judge: ({ openclaw }) => {
      if ("code" in openclaw) return { state: "fail", sentence: openclaw.message };
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
  administrators: {
    title: "OpenClaw's administrators",
    judge: ({ openclaw, wanted, admins }) => {
      if ("code" in openclaw) return skipped("OpenClaw cannot be asked.");
      if (wanted === null) return skipped("Not configured.");
      return judgeAdministrators(openclaw, admins);
    },
  },
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

const NAME_THEM = "Name them in gateway.auth.identityScopes there, then: tidegate-agent configure --admin none";

function judgeAdministrators({ settings, readOnly, version }: OpenClawFacts, from: Facts["admins"]): Verdict {
  const { roles, reload, auth } = settings;
  const isAdmin = (scopes: readonly string[]) => scopes.includes(ADMIN_SCOPE);
  // Its roles cap everybody, whatever the list says.
  if (roles !== undefined && !Object.values(roles.definitions).some(({ scopes }) => isAdmin(scopes)))
    return warn(
      `gateway.roles has no role with ${ADMIN_SCOPE}: nobody can administer OpenClaw through the gateway.`,
      `Define one, and give it to administrators: users.setRole`,
    );
  if (from === "owner") {
    const named = Object.values(auth.identityScopes).filter(isAdmin).length;
    return ok(`Named in its own settings: ${named}.`);
  }
  if (!followsAdministrators(version))
    return warn(
      `${version} would restart for each: nobody becomes one by role.`,
      "Update OpenClaw, or name them: tidegate-agent configure --admin <e-mail,…>",
    );
  if (readOnly !== null)
    return warn(`Its configuration is kept elsewhere (${readOnly}): nobody becomes one by role.`, NAME_THEM);
  if (reload?.mode === "off")
    return warn(
      "It does not follow its file (gateway.reload.mode is off): who becomes one by role is one after its next restart.",
      "openclaw config set gateway.reload.mode hybrid",
    );
  return ok("The gateway's, while they come.");
}
