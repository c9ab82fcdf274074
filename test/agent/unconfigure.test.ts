/** Undoing, also of what was cut short, with an OpenClaw that is played: the real one is in the e2e tests. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { configure } from "../../workspace-agent/commands/configure.ts";
import { unconfigure } from "../../workspace-agent/commands/unconfigure.ts";
import { withdrawIdentity } from "../../workspace-agent/identity/withdraw-identity.ts";
import { WorkspaceFiles } from "../../workspace-agent/identity/workspace-files.ts";
import { withLock } from "../../workspace-agent/state/lock.ts";
import { fakeOpenClawCli, type FakeOpenClawCli, playContext, temporaryFolder } from "./support/fake-openclaw-cli.ts";

// Each starts a dozen small programs.
vi.setConfig({ testTimeout: 60_000 });

const ORIGINAL = '// mine\n{"gateway":{"port":1,"auth":{"mode":"token","token":"the-old-token"}}}\n';
const PROFILE = "875d001d-a23c-4006-ac2c-eab1e319480c";
const BLOCK = "<!-- tidegate:roster:begin -->\nanything\n<!-- tidegate:roster:end -->\n";

async function configured(): Promise<FakeOpenClawCli> {
  const cli = fakeOpenClawCli(ORIGINAL);
  await configure.run(playContext(cli));
  return cli;
}

function backups(cli: FakeOpenClawCli): string[] {
  return readdirSync(dirname(cli.configPath)).filter((name) => name.includes(".tidegate-"));
}

test("openclaw.json comes back byte for byte, and nothing is left", async () => {
  const cli = await configured();
  expect(backups(cli)).toEqual(["openclaw.json.tidegate-20261122"]);
  expect(cli.readConfig()).not.toHaveProperty("gateway.auth.token");
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "bytes", applied: true });
  expect(readFileSync(cli.configPath, "utf8")).toBe(ORIGINAL);
  expect(backups(cli)).toEqual([]);
  expect(readdirSync(cli.stateFolder)).toEqual(["agent.json"]);
  expect(cli.readState("agent.json")).toEqual({
    agentId: "abcdefghij",
    url: "https://claw.example.com",
    publicHost: "claw.example.com",
  });
});

test("a rehearsal, a no, and a configuration kept elsewhere leave all as it is", async () => {
  const cli = await configured();
  const before = readFileSync(cli.configPath, "utf8");
  expect((await unconfigure.run(playContext(cli, { dryRun: true }))).result).toMatchObject({
    config: "bytes",
    applied: false,
  });
  const no = unconfigure.run(playContext(cli, { confirm: () => Promise.resolve(false) }));
  await expect(no).rejects.toMatchObject({ code: "declined" });
  const { env } = playContext(cli);
  const readOnly = unconfigure.run(playContext(cli, { env: { ...env, OPENCLAW_CONFIG_READONLY: "1" } }));
  await expect(readOnly).rejects.toMatchObject({ code: "config_read_only" });
  expect(readFileSync(cli.configPath, "utf8")).toBe(before);
  expect(cli.readState("agent.json")).toHaveProperty("userHeader");
});

test("after a change that was cut short it comes back byte for byte, too", async () => {
  const cli = await configured();
  const record = cli.readState("openclaw-change.json");
  writeFileSync(join(cli.stateFolder, "openclaw-change.json"), JSON.stringify({ ...record, leftHash: null }));
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "bytes" });
  expect(readFileSync(cli.configPath, "utf8")).toBe(ORIGINAL);
});

test("an undoing that was cut short after the file is finished by the next", async () => {
  const cli = await configured();
  writeFileSync(cli.configPath, ORIGINAL);
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "nothing" });
  expect(backups(cli)).toEqual([]);
  expect(readdirSync(cli.stateFolder)).toEqual(["agent.json"]);
});

test("what this agent would not configure any more it undoes", async () => {
  const cli = await configured();
  cli.answer({ version: "2026.8.9" });
  await expect(configure.run(playContext(cli))).rejects.toMatchObject({ code: "openclaw_too_old" });
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "bytes" });
});

test("without its backup the file is not guessed at", async () => {
  const cli = await configured();
  rmSync(`${cli.configPath}.tidegate-20261122`);
  const before = readFileSync(cli.configPath, "utf8");
  await expect(unconfigure.run(playContext(cli))).rejects.toMatchObject({ code: "backup_lost" });
  expect(readFileSync(cli.configPath, "utf8")).toBe(before);
});

test("an OpenClaw that is gone leaves nothing to undo", async () => {
  const cli = await configured();
  rmSync(cli.configPath);
  const context = playContext(cli);
  expect((await unconfigure.run(context)).result).toMatchObject({ config: "nothing" });
  expect(context.said.join("\n")).toContain("tidegate-20261122");
});

/** As the running agent does when somebody comes as administrator. */
function grant(cli: FakeOpenClawCli, scopes: Record<string, string[]>, granted: string[]): void {
  const config = cli.readConfig() as { gateway: { auth: object } };
  config.gateway.auth = { ...config.gateway.auth, identityScopes: scopes };
  writeFileSync(cli.configPath, JSON.stringify(config));
  const file = Object.fromEntries(granted.map((user) => [user, 1]));
  writeFileSync(join(cli.stateFolder, "openclaw-admins.json"), JSON.stringify(file));
}

test("administrators that the agent made are none any more, and the file is what it was to the byte", async () => {
  const cli = await configured();
  grant(cli, { "alice@example.com": ["operator.admin"] }, ["alice@example.com", "gone@example.com"]);
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "bytes" });
  expect(readFileSync(cli.configPath, "utf8")).toBe(ORIGINAL);
  expect(readdirSync(cli.stateFolder)).toEqual(["agent.json"]);
});

test("one whose address OpenClaw takes for a secret's name is none any more, either", async () => {
  const cli = await configured();
  grant(cli, { "secretary@example.com": ["operator.admin"] }, ["secretary@example.com"]);
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "bytes" });
  expect(readFileSync(cli.configPath, "utf8")).toBe(ORIGINAL);
});

test("an administrator whom somebody else made meanwhile stays one", async () => {
  const cli = await configured();
  const admin = ["operator.admin"];
  grant(cli, { "alice@example.com": admin, "olga@example.com": admin }, ["alice@example.com"]);
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "values" });
  expect(cli.readConfig()).toMatchObject({ gateway: { auth: { identityScopes: { "olga@example.com": admin } } } });
  expect(readFileSync(cli.configPath, "utf8")).not.toContain("alice@example.com");
});

test("where configure had nothing to change, the agent's administrators are taken back all the same", async () => {
  const cli = await configured();
  rmSync(join(cli.stateFolder, "openclaw-change.json"));
  const admin = ["operator.admin"];
  grant(cli, { "alice@example.com": admin, "olga@example.com": admin }, ["alice@example.com"]);
  const before = readFileSync(cli.configPath, "utf8");
  await unconfigure.run(playContext(cli, { dryRun: true }));
  expect(readFileSync(cli.configPath, "utf8")).toBe(before);
  expect((await unconfigure.run(playContext(cli))).result).toMatchObject({ config: "values" });
  expect(cli.readConfig()).toMatchObject({ gateway: { auth: { identityScopes: { "olga@example.com": admin } } } });
  expect(readFileSync(cli.configPath, "utf8")).not.toContain("alice@example.com");
});

test("where OpenClaw's program is not, whom to take off is said", async () => {
  const cli = fakeOpenClawCli(ORIGINAL);
  writeFileSync(join(cli.stateFolder, "openclaw-admins.json"), '{"alice@example.com":1}');
  const context = playContext(cli, { flags: { openclaw: "/nowhere/openclaw" } });
  expect((await unconfigure.run(context)).result).toMatchObject({ config: "nothing", applied: true });
  expect(context.said.join("\n")).toContain("alice@example.com");
});

test("who says who is an administrator is asked once, and kept", async () => {
  const cli = fakeOpenClawCli(ORIGINAL);
  const flags = { openclaw: cli.command };
  const said = async (more: Record<string, string>) => {
    const context = playContext(cli, { flags: { ...flags, ...more } });
    await configure.run(context);
    return { admins: cli.readState("agent.json")["admins"], said: context.said.join("\n") };
  };
  expect(await said({})).toMatchObject({
    admins: "roles",
    said: expect.stringContaining("Administrators of the gateway become OpenClaw's") as string,
  });
  expect(await said({ admin: "olga@example.com" })).toMatchObject({ admins: "owner" });
  expect(cli.readConfig()).toMatchObject({
    gateway: { auth: { identityScopes: { "olga@example.com": ["operator.admin"] } } },
  });
  expect(await said({})).toMatchObject({ admins: "owner" });
  expect(await said({ admin: "none" })).toMatchObject({ admins: "owner" });
  expect(await said({ admin: "roles" })).toMatchObject({ admins: "roles" });
  cli.answer({ version: "2026.9.3" });
  expect((await said({})).said).toContain("would restart for each administrator");
});

test("whoever is named is their owner's, though the agent made them an administrator before", async () => {
  const cli = await configured();
  const admin = ["operator.admin"];
  grant(cli, { "olga@example.com": admin, "alice@example.com": admin }, ["olga@example.com", "alice@example.com"]);
  await configure.run(playContext(cli, { flags: { openclaw: cli.command, admin: "olga@example.com" } }));
  expect(cli.readState("openclaw-admins.json")).toEqual({ "alice@example.com": 1 });
});

test("every agent of OpenClaw's has its workspace, and the blocks leave all of them", async () => {
  const cli = fakeOpenClawCli(ORIGINAL);
  const [main, other] = [temporaryFolder(), temporaryFolder()];
  cli.answer({ workspaces: [other, main, main] });
  await configure.run(playContext(cli));
  expect(cli.readState("agent.json")).toMatchObject({ workspace: main, otherWorkspaces: [other] });
  for (const folder of [main, other]) writeFileSync(join(folder, "USER.md"), `${BLOCK}mine`);
  await unconfigure.run(playContext(cli));
  for (const folder of [main, other]) expect(readFileSync(join(folder, "USER.md"), "utf8")).toBe("mine");
  expect(cli.readState("agent.json")).not.toHaveProperty("otherWorkspaces");
});

test("the agent's blocks leave the workspace, and every other byte stays", async () => {
  const folder = temporaryFolder();
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, "latin1");
  };
  write("USER.md", `${BLOCK}tea\r\n\xff no line end`);
  write(`users/${PROFILE}/USER.md`, BLOCK);
  write(`users/${PROFILE.replace("8", "9")}/USER.md`, `${BLOCK}notes\n`);
  write("users/somebody/USER.md", BLOCK);
  const files = new WorkspaceFiles(folder);
  expect(await withdrawIdentity(files, true)).toBe(3);
  expect(readFileSync(join(folder, "USER.md"), "latin1")).toContain("anything");
  expect(await withdrawIdentity(files, false)).toBe(3);
  expect(readFileSync(join(folder, "USER.md"), "latin1")).toBe("tea\r\n\xff no line end");
  // A folder that is nobody's profile was never the agent's.
  expect(readdirSync(join(folder, "users")).sort()).toEqual([PROFILE.replace("8", "9"), "somebody"]);
  expect(await withdrawIdentity(files, false)).toBe(0);
});

test("one run at a time holds the state folder, and a dead one's hold is taken over", async () => {
  const folder = temporaryFolder();
  await withLock(folder, async () => {
    await expect(withLock(folder, () => Promise.resolve())).rejects.toMatchObject({ code: "busy" });
  });
  const { pid } = spawnSync(process.execPath, ["--version"]);
  for (const left of [`${pid} 1`, `${process.pid} 1`, ""]) {
    writeFileSync(join(folder, "lock"), left);
    expect(await withLock(folder, () => Promise.resolve("done"))).toBe("done");
  }
  expect(readdirSync(folder)).toEqual([]);
});
