/** `unconfigure`: OpenClaw and its workspace as they were before `configure`. */
import { existsSync } from "node:fs";
import { readGranted, removeGranted } from "../admins/granted-file.ts";
import { isAdmin, keyOf, planGrants } from "../admins/plan-grants.ts";
import { withdrawIdentity } from "../identity/withdraw-identity.ts";
import { WorkspaceError, WorkspaceFiles } from "../identity/workspace-files.ts";
import { patchConfig } from "../openclaw/apply-change.ts";
import { type ChangeRecord, readChangeRecord, removeChangeRecord } from "../openclaw/change-record.ts";
import { readConfigFile } from "../openclaw/config-file.ts";
import { findReadOnly, requireOwnConfig } from "../openclaw/hindrances.ts";
import { findInstallation, readSettings } from "../openclaw/installation.ts";
import { findOpenClawCli, type OpenClawCli } from "../openclaw/openclaw-cli.ts";
import { ADMIN_SCOPE, REDACTED } from "../openclaw/wanted.ts";
import { isReady, probe, PROBE_USER } from "../openclaw/probe.ts";
import { awaitChange } from "../openclaw/restart.ts";
import { carryOut, dropBackup, findUndo, type Undo } from "../openclaw/undo-change.ts";
import { type AgentFile, type OpenClawLink, readAgentFile, updateAgentFile } from "../state/agent-file.ts";
import { withLock } from "../state/lock.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

const FORGOTTEN: Record<keyof OpenClawLink, undefined> = {
  openclawUrl: undefined,
  workspace: undefined,
  otherWorkspaces: undefined,
  userHeader: undefined,
  localAddress: undefined,
  admins: undefined,
  openclawPassword: undefined,
};

const WORDS: Record<Undo["how"], string> = {
  nothing: "openclaw.json is as it was before.",
  bytes: "openclaw.json goes back to what it was, byte for byte.",
  values:
    "openclaw.json was changed by others since: what is still the agent's goes back, the rest stays. The backup stays, too.",
};

export const unconfigure: Command = {
  usage: "unconfigure",
  summary: "undo configure: openclaw.json and the workspace as they were; stop the agent first",
  flags: { openclaw: { type: "string" } },
  run: (context) => withLock(context.folder, () => undoAll(context)),
};

/** The record goes last: cut short anywhere, this can be run again. */
async function undoAll(context: CommandContext): Promise<Outcome> {
  const { folder, say, dryRun } = context;
  const agent = readAgentFile(folder);
  const record = readChangeRecord(folder);
  const config = record === null ? await withdrawGrants(context) : await undoConfig(context, agent, record);
  const files = await undoWorkspaces(agent, dryRun);
  if (!dryRun) {
    updateAgentFile(folder, FORGOTTEN);
    removeGranted(folder);
    removeChangeRecord(folder);
  }
  say(files === null ? "The workspace cannot be reached: nothing was taken out of it." : `Workspace: ${files} files`);
  return done({ config, files, applied: !dryRun });
}

async function undoConfig(context: CommandContext, agent: AgentFile, record: ChangeRecord): Promise<Undo["how"]> {
  const { env, flags, say } = context;
  if (!existsSync(record.configPath)) {
    say(`${record.configPath} is gone. As it was: ${record.backupPath}`);
    return "nothing";
  }
  const readOnly = findReadOnly(env);
  if (readOnly !== null) {
    throw new CommandError(
      "config_read_only",
      `OpenClaw's configuration is kept elsewhere (${readOnly}). Take the agent's settings out there first.`,
    );
  }
  requireOwnConfig(record.configPath, readConfigFile(record.configPath));
  const cli = findOpenClawCli(flags["openclaw"] as string | undefined, env);
  const set = [...record.set, ...(await readGrants(context.folder, cli))];
  const undo = await findUndo(cli, { ...record, set }, agent.openclawPassword ?? null);
  say(WORDS[undo.how]);
  if (context.dryRun) return undo.how;
  if (undo.how !== "nothing" && !(await context.confirm("Change openclaw.json and have OpenClaw restart?"))) {
    throw new CommandError("declined", "Nothing was changed.", EXIT.refused);
  }
  // Asked before the change: a restarting OpenClaw looks like one that does not run.
  const installation = await findInstallation(cli);
  await carryOut(cli, record, undo);
  const { reload } = await readSettings(cli);
  const { port, running } = installation;
  await awaitChange(installation, reload?.mode, () => isForgotten(port, agent));
  if (running === null) say("OpenClaw does not run.");
  if (dropBackup(record)) say(`Removed ${record.backupPath}`);
  return undo.how;
}

/** Where `configure` changed nothing (it was all there already, as in a container), the running agent may have. */
async function withdrawGrants({ folder, env, flags, dryRun, say, confirm }: CommandContext): Promise<Undo["how"]> {
  const granted = readGranted(folder);
  if (granted.size === 0) return "nothing";
  const names = [...granted.keys()].join(", ");
  let cli: OpenClawCli;
  try {
    cli = findOpenClawCli(flags["openclaw"] as string | undefined, env);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    say(`OpenClaw is not here. Take these off its gateway.auth.identityScopes: ${names}`);
    return "nothing";
  }
  const { patch } = planGrants((await readSettings(cli)).auth.identityScopes, new Set(), new Set(granted.keys()));
  if (patch === null) return "nothing";
  say(`Administrators of OpenClaw by their role at the gateway, and none any more: ${names}`);
  if (dryRun) return "values";
  if (!(await confirm("Change openclaw.json?")))
    throw new CommandError("declined", "Nothing was changed.", EXIT.refused);
  await patchConfig(cli, { gateway: { auth: { identityScopes: patch } } }, []);
  return "values";
}

/** Administrators that the agent made while it ran, as if `configure` had set them. */
async function readGrants(folder: string, cli: OpenClawCli): Promise<ChangeRecord["set"]> {
  const granted = [...readGranted(folder).keys()];
  if (granted.length === 0) return [];
  const { identityScopes } = (await readSettings(cli)).auth;
  return granted.flatMap((user) => {
    const key = keyOf(identityScopes, user);
    if (key === undefined || !isAdmin(identityScopes, user)) return [];
    // Where OpenClaw shows no scopes, the agent gave this one.
    const value = identityScopes[key]?.map((scope) => (scope === REDACTED ? ADMIN_SCOPE : scope));
    return [{ path: ["gateway", "auth", "identityScopes", key], value }];
  });
}

/** OpenClaw answers, and believes the agent no longer. */
async function isForgotten(port: number, { userHeader, localAddress }: AgentFile): Promise<boolean> {
  const host = "127.0.0.1";
  if (!(await isReady(host, port))) return false;
  if (userHeader === undefined) return true;
  const { status } = await probe({ host, port, userHeader, publicHost: host }, localAddress, PROBE_USER);
  return status !== null && status !== 200;
}

/** @returns how many files were changed; null when a workspace is out of reach */
async function undoWorkspaces({ workspace, otherWorkspaces = [] }: AgentFile, dryRun: boolean): Promise<number | null> {
  if (workspace === undefined) return 0;
  let files = 0;
  try {
    for (const folder of [workspace, ...otherWorkspaces])
      files += await withdrawIdentity(new WorkspaceFiles(folder), dryRun);
    return files;
  } catch (error) {
    if (error instanceof WorkspaceError) return null;
    throw error;
  }
}
