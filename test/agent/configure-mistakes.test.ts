/** Every mistake of the first hour has its code and its text, and changes nothing. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { type CommandError, EXIT } from "../../workspace-agent/commands/command.ts";
import { configure } from "../../workspace-agent/commands/configure.ts";
import { requireOwnConfig } from "../../workspace-agent/openclaw/hindrances.ts";
import { type FakeAnswers, fakeOpenClawCli, type FakeOpenClawCli, playContext } from "./support/fake-openclaw-cli.ts";

// Each starts a dozen small programs.
vi.setConfig({ testTimeout: 60_000 });

const TOKEN_MODE = JSON.stringify({ gateway: { port: 1, auth: { mode: "token", token: "the-old-token" } } });

interface Mistake {
  name: string;
  code: string;
  exit: number;
  words: RegExp;
  answers?: FakeAnswers;
  config?: string;
  env?: Record<string, string>;
  flags?: Record<string, string>;
  prepare?: (cli: FakeOpenClawCli) => void;
}

const MISTAKES: Mistake[] = [
  {
    name: "an agent that is not enrolled",
    code: "not_enrolled",
    exit: EXIT.config,
    words: /tidegate-agent enroll/,
    prepare: (cli) => rmSync(join(cli.stateFolder, "agent.json")),
  },
  {
    name: "settings that others can read",
    code: "state_exposed",
    exit: EXIT.config,
    words: /chmod 600/,
    prepare: (cli) => chmodSync(join(cli.stateFolder, "agent.json"), 0o644),
  },
  {
    name: "no OpenClaw in PATH",
    code: "openclaw_not_found",
    exit: EXIT.failed,
    words: /--openclaw/,
    env: { PATH: "/nowhere" },
    flags: {},
  },
  {
    name: "a path that is no program",
    code: "openclaw_not_found",
    exit: EXIT.failed,
    words: /no program/,
    flags: { openclaw: "/etc" },
  },
  {
    name: "an OpenClaw older than supported",
    code: "openclaw_too_old",
    exit: EXIT.failed,
    words: /2026\.8\.9 is too old.*openclaw update/,
    answers: { version: "2026.8.9" },
  },
  {
    name: "more workspaces than the agent keeps the roster in",
    code: "too_many_workspaces",
    exit: EXIT.config,
    words: /52 folders.*51/,
    answers: { workspaces: ["/srv/a", "/srv/b", ...Array.from({ length: 50 }, (_, n) => `/srv/${n}`)] },
  },
  {
    name: "an OpenClaw that was never set up",
    code: "openclaw_not_set_up",
    exit: EXIT.config,
    words: /openclaw onboard/,
    answers: { exists: false },
  },
  {
    name: "a configuration that does not parse",
    code: "openclaw_config_invalid",
    exit: EXIT.config,
    words: /JSON5 parse failed.*\n.*openclaw doctor/,
    answers: { valid: false },
  },
  {
    name: "a service with a configuration of its own",
    code: "openclaw_two_configs",
    exit: EXIT.config,
    words: /OPENCLAW_CONFIG_PATH=\/etc\/openclaw\.json/,
    answers: { daemonPath: "/etc/openclaw.json" },
  },
  {
    name: "OPENCLAW_GATEWAY_TOKEN in the shell",
    code: "token_in_environment",
    exit: EXIT.config,
    words: /this shell's environment.*refuses to start/,
    env: { OPENCLAW_GATEWAY_TOKEN: "another-secret" },
  },
  {
    name: "OPENCLAW_GATEWAY_TOKEN in OpenClaw's .env",
    code: "token_in_environment",
    exit: EXIT.config,
    words: /\.env\./,
    prepare: (cli) =>
      writeFileSync(join(dirname(cli.configPath), ".env"), "A=1\nexport OPENCLAW_GATEWAY_TOKEN=another-secret\n"),
  },
  {
    name: "OPENCLAW_CONFIG_READONLY",
    code: "config_read_only",
    exit: EXIT.failed,
    words: /OPENCLAW_CONFIG_READONLY=1.*openclaw-patch\.json/,
    env: { OPENCLAW_CONFIG_READONLY: "1" },
  },
  {
    name: "Nix",
    code: "config_read_only",
    exit: EXIT.failed,
    words: /OPENCLAW_NIX_MODE=1/,
    env: { OPENCLAW_NIX_MODE: "1" },
  },
  {
    name: "a folder where no backup can be written",
    code: "backup_failed",
    exit: EXIT.failed,
    words: /tidegate-20261122 cannot be written.*Nothing was changed/,
    prepare: (cli) => mkdirSync(`${cli.configPath}.tidegate-20261122.tidegate-${process.pid}.tmp`),
  },
  {
    name: "a change that OpenClaw refuses",
    code: "change_refused",
    exit: EXIT.failed,
    words: /must be a regular file, not a symlink.*"password":"\(secret\)"/s,
    answers: { refusal: "must be a regular file, not a symlink: PATCH" },
  },
  {
    name: "an administrator without an address",
    code: "usage",
    exit: EXIT.usage,
    words: /"alice" is no e-mail address/,
    flags: { admin: "alice" },
  },
];

test.each(MISTAKES)(
  "$name",
  async ({ code, exit, words, answers, config = TOKEN_MODE, env = {}, flags = {}, prepare }) => {
    const cli = fakeOpenClawCli(config, answers);
    prepare?.(cli);
    const context = playContext(cli);
    const openclaw = env["PATH"] === undefined ? { openclaw: cli.command } : {};
    const run = configure.run({ ...context, env: { ...context.env, ...env }, flags: { ...openclaw, ...flags } });
    const error = await run.then(
      () => expect.fail("it went through"),
      (thrown: CommandError) => thrown,
    );
    expect({ code: error.code, exit: error.exit }).toEqual({ code, exit });
    expect(error.message).toMatch(words);
    expect(`${context.said.join("\n")}${error.message}`).not.toMatch(/the-old-token|another-secret/);
    expect(readFileSync(cli.configPath, "utf8")).toBe(config);
    expect(existsSync(join(cli.stateFolder, "lock"))).toBe(false);
  },
);

test("a configuration of another user, root's own included, is not touched", () => {
  const uid = (process.getuid?.() ?? 0) + 1;
  expect(() => requireOwnConfig("/srv/openclaw.json", { bytes: Buffer.alloc(0), mode: 0o600, uid })).toThrow(
    expect.objectContaining({ code: "other_user", message: expect.stringContaining(`sudo -u '#${uid}'`) }),
  );
});

test("the patch for a configuration that is kept elsewhere is whole, private, and not printed", async () => {
  const cli = fakeOpenClawCli(TOKEN_MODE);
  const context = playContext(cli);
  await expect(configure.run({ ...context, env: { ...context.env, OPENCLAW_NIX_MODE: "1" } })).rejects.toThrow();
  const { openclawPassword, userHeader } = cli.readState("agent.json");
  expect(cli.readState("openclaw-patch.json")).toMatchObject({
    gateway: {
      auth: { mode: "trusted-proxy", token: null, password: openclawPassword, trustedProxy: { userHeader } },
      trustedProxies: ["127.77.0.1"],
    },
  });
  expect(statSync(join(cli.stateFolder, "openclaw-patch.json")).mode & 0o777).toBe(0o600);
  expect(context.said.join("\n")).not.toContain(openclawPassword);
});

test("who says no changes nothing", async () => {
  const cli = fakeOpenClawCli(TOKEN_MODE);
  const run = configure.run(playContext(cli, { confirm: () => Promise.resolve(false) }));
  await expect(run).rejects.toMatchObject({ code: "declined", exit: EXIT.refused });
  expect(readFileSync(cli.configPath, "utf8")).toBe(TOKEN_MODE);
  expect(readdirSync(cli.stateFolder)).toEqual(["agent.json"]);
});

test("an OpenClaw that does not run is configured, and the person hears that it does not run", async () => {
  const cli = fakeOpenClawCli(TOKEN_MODE);
  const context = playContext(cli);
  expect(await configure.run(context)).toMatchObject({ exit: 0, result: { applied: true, restarted: "none" } });
  expect(context.said.at(-1)).toContain("does not run");
  expect(await configure.run(playContext(cli))).toMatchObject({ result: { applied: false, changes: [] } });
});

test("an OpenClaw that neither follows its file nor has a service must be restarted by a person", async () => {
  const config = JSON.stringify({ gateway: { port: 1, reload: { mode: "off" } } });
  const run = configure.run(playContext(fakeOpenClawCli(config, { pid: process.pid })));
  await expect(run).rejects.toMatchObject({ code: "restart_needed", message: expect.stringContaining("Restart it") });
});

test("a second openclaw.json is not changed before the first is undone", async () => {
  const [first, second] = [fakeOpenClawCli(TOKEN_MODE), fakeOpenClawCli(TOKEN_MODE)];
  await configure.run(playContext(first));
  const run = configure.run(playContext(second, { folder: first.stateFolder }));
  await expect(run).rejects.toMatchObject({ code: "configured_elsewhere" });
  expect(readFileSync(second.configPath, "utf8")).toBe(TOKEN_MODE);
});
