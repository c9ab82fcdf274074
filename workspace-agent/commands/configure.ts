/** `configure`: has OpenClaw believe the agent, and nobody else, about who is there. */
import { randomBytes } from "node:crypto";
import { readGranted, writeGranted } from "../admins/granted-file.ts";
import { createOpenclawClient } from "../identity/openclaw-client.ts";
import { applyChange, rehearse } from "../openclaw/apply-change.ts";
import { readConfigFile } from "../openclaw/config-file.ts";
import {
  findReadOnly,
  requireFewWorkspaces,
  requireNoTokenVariable,
  requireOwnConfig,
} from "../openclaw/hindrances.ts";
import {
  findInstallation,
  findWorkspaces,
  type Installation,
  readSettings,
  requireSupported,
} from "../openclaw/installation.ts";
import { findOpenClawCli } from "../openclaw/openclaw-cli.ts";
import { describeChange, type Plan, planChange } from "../openclaw/plan-change.ts";
import { probe, PROBE_USER } from "../openclaw/probe.ts";
import { awaitChange } from "../openclaw/restart.ts";
import { mergePatch } from "../openclaw/setting-path.ts";
import { followsAdministrators } from "../openclaw/version.ts";
import { randomUserHeader } from "../openclaw/wanted.ts";
import { type AgentFile, type OpenClawLink, readAgentFile, updateAgentFile } from "../state/agent-file.ts";
import { withLock } from "../state/lock.ts";
import { join } from "node:path";
import { writePrivateFile } from "../state/atomic-file.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

/** Linux answers on all of 127/8; elsewhere only the one address is there. */
const LOCAL_ADDRESS = process.platform === "linux" ? "127.77.0.1" : "127.0.0.1";

type Link = Required<OpenClawLink>;

const ADMIN_WORDS: Record<Link["admins"], string> = {
  roles:
    "Administrators of the gateway become OpenClaw's (operator.admin) while they come; --admin names them instead.",
  owner:
    "OpenClaw's administrators are those of its own gateway.auth.identityScopes; whom the agent put there goes when it starts again. --admin roles follows the gateway.",
};

export const configure: Command = {
  usage: "configure",
  summary: "set OpenClaw up for the agent: shows the change, asks, keeps the way back",
  flags: { openclaw: { type: "string" }, admin: { type: "string" } },
  run: (context) => withLock(context.folder, () => change(context)),
};

async function change(context: CommandContext): Promise<Outcome> {
  const { folder, env, flags, say } = context;
  const known = readAgentFile(folder);
  const publicOrigin = requireEnrolment(known);
  const cli = findOpenClawCli(flags["openclaw"] as string | undefined, env);
  await requireSupported(cli);
  const installation = await findInstallation(cli);
  const { configPath, version, port, running } = installation;
  const file = readConfigFile(configPath);
  requireOwnConfig(configPath, file);
  say(`OpenClaw ${version}: ${configPath}, port ${port}, ${describeRunning(running)}`);

  const [settings, workspaces] = await Promise.all([readSettings(cli), findWorkspaces(cli)]);
  requireFewWorkspaces(workspaces);
  const admins = parseAdmins(flags["admin"]);
  const link = { ...openLink(known, port, workspaces), admins: admins?.from ?? known.admins ?? "roles" };
  const readOnly = findReadOnly(env);
  const isOurs =
    settings.auth.password !== undefined &&
    (readOnly !== null || file.bytes.includes(JSON.stringify(link.openclawPassword)));
  const plan = planChange(
    settings,
    { ...link, publicOrigin, admins: admins?.emails ?? [] },
    isOurs ? null : link.openclawPassword,
  );
  requireNoTokenVariable(installation, env);
  for (const line of plan.changes.flatMap(describeChange)) say(`  ${line}`);
  say(
    link.admins === "roles" && !followsAdministrators(version)
      ? `OpenClaw ${version} would restart for each administrator, so nobody becomes one by role: --admin names them.`
      : ADMIN_WORDS[link.admins],
  );
  for (const warning of plan.changes.length > 0 ? plan.warnings : []) say(`! ${warning}`);
  if (plan.changes.length === 0) say("OpenClaw's configuration is as it should be.");
  const result = {
    configPath,
    version,
    changes: plan.changes.map(({ path }) => path.join(".")),
    warnings: plan.warnings,
  };
  if (plan.changes.length > 0 && readOnly === null) await rehearse(cli, plan);
  if (context.dryRun) return done({ ...result, applied: false });

  if (plan.changes.length > 0) {
    if (readOnly !== null) throw handOver(folder, link, plan, readOnly);
    await requireConsent(context, file.bytes);
    // Before the change: a run cut short must find the same name and password again.
    keepLink(folder, link, admins?.emails ?? []);
    const { backupPath } = await applyChange(folder, configPath, cli, plan, context.nowMs());
    say(`Changed. As it was: ${backupPath}`);
  } else {
    keepLink(folder, link, admins?.emails ?? []);
  }
  const { how } = await awaitChange(installation, settings.reload?.mode, () =>
    inForce(link, new URL(publicOrigin).host),
  );
  say(running === null ? "OpenClaw does not run. It will start with this: openclaw gateway" : "OpenClaw follows it.");
  return done({ ...result, applied: plan.changes.length > 0, restarted: how });
}

/** @throws {CommandError} not_enrolled */
function requireEnrolment({ url, publicHost }: AgentFile): string {
  if (url !== undefined && publicHost !== undefined) return `${new URL(url).protocol}//${publicHost}`;
  throw new CommandError(
    "not_enrolled",
    "This agent does not know its gateway yet. First: tidegate-agent enroll https://…",
    EXIT.config,
  );
}

function openLink(
  known: AgentFile,
  port: number,
  [workspace, ...otherWorkspaces]: [string, ...string[]],
): Omit<Link, "admins"> {
  return {
    openclawUrl: `http://127.0.0.1:${port}`,
    workspace,
    otherWorkspaces,
    userHeader: known.userHeader ?? randomUserHeader(randomBytes(8)),
    localAddress: known.localAddress ?? LOCAL_ADDRESS,
    openclawPassword: known.openclawPassword ?? randomBytes(32).toString("base64url"),
  };
}

/** @returns who says who is an administrator; undefined leaves it as it is @throws {CommandError} usage */
function parseAdmins(flag: unknown): { from: Link["admins"]; emails: string[] } | undefined {
  if (typeof flag !== "string") return undefined;
  if (flag === "roles") return { from: "roles", emails: [] };
  const emails = flag === "none" ? [] : flag.split(",").map((email) => email.trim().toLowerCase());
  const wrong = emails.find((email) => !/^[\x21-\x3f\x41-\x7e]+@[a-z0-9.-]+$/.test(email));
  if (wrong === undefined) return { from: "owner", emails };
  throw new CommandError("usage", `--admin: "${wrong}" is no e-mail address`, EXIT.usage);
}

/** @param named are their owner's from now on, so the agent does not take them away, though it may have made them administrators */
function keepLink(folder: string, link: Link, named: readonly string[]): void {
  const granted = new Map(readGranted(folder));
  const taken = named.filter((user) => granted.delete(user));
  if (taken.length > 0) writeGranted(folder, granted);
  updateAgentFile(folder, link);
}

/** The whole patch goes to a file of this user's: the agent's password is in it. */
function handOver(folder: string, link: Link, { changes }: Plan, why: string): CommandError {
  const path = join(folder, "openclaw-patch.json");
  const whole = mergePatch(changes.map(({ path, after }) => [path, after]));
  writePrivateFile(path, `${JSON.stringify(whole, undefined, 2)}\n`);
  updateAgentFile(folder, link);
  return new CommandError(
    "config_read_only",
    `OpenClaw's configuration is kept elsewhere (${why}), so nothing was changed. The change as a patch, with the agent's password: ${path}. Apply it there (null takes a setting out), and run this again.`,
  );
}

async function requireConsent(context: CommandContext, bytes: Buffer): Promise<void> {
  if (!isPlainJson(bytes)) {
    context.say(
      "! OpenClaw writes the file anew as plain JSON: comments go. The backup has them; unconfigure brings them back.",
    );
  }
  if (await context.confirm("Change openclaw.json and have OpenClaw restart?")) return;
  throw new CommandError("declined", "Nothing was changed.", EXIT.refused);
}

/** Both ways in: as a signed-in person through the agent, and as the agent itself. */
async function inForce(link: Link, publicHost: string): Promise<boolean> {
  const { hostname: host, port } = new URL(link.openclawUrl);
  const target = { host, port: Number(port), userHeader: link.userHeader, publicHost };
  if ((await probe(target, link.localAddress, PROBE_USER)).status !== 200) return false;
  const address = { host, port: target.port, localAddress: link.localAddress, userHeader: link.userHeader };
  return createOpenclawClient(address, publicHost, link.openclawPassword)
    .withBackend(() => Promise.resolve(true))
    .catch(() => false);
}

function describeRunning(running: Installation["running"]): string {
  if (running === null) return "not running";
  return running.pid === null ? "running" : `running (pid ${running.pid})`;
}

function isPlainJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}
