/** A program that answers like `openclaw` 2026.9.6, from a folder: for what a real one cannot be brought to do. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { CommandContext } from "../../../workspace-agent/commands/command.ts";

export interface FakeAnswers {
  version?: string;
  exists?: boolean;
  valid?: boolean;
  /** Where its service's configuration is; default: where it is. */
  daemonPath?: string;
  pid?: number;
  /** Where its agents work; the default one is the second. */
  workspaces?: [string, string, ...string[]];
  /** What it says about a patch before it refuses it; `PATCH` becomes the patch. */
  refusal?: string;
}

export interface FakeOpenClawCli {
  command: string;
  configPath: string;
  stateFolder: string;
  /** It answers so from now on. */
  answer(answers: FakeAnswers): void;
  readConfig(): Record<string, unknown>;
  readState(name: string): Record<string, unknown>;
}

const PROGRAM = `
import { readFileSync, writeFileSync } from "node:fs";
const { answers, configPath } = JSON.parse(readFileSync(import.meta.dirname + "/answers.json", "utf8"));
const args = process.argv.slice(2).join(" ");
const path = process.env.OPENCLAW_CONFIG_PATH ?? configPath;
const read = () => JSON.parse(readFileSync(path, "utf8").replace(/^\\/\\/.*/, ""));
const print = (value) => console.log(JSON.stringify(value));
function merge(target, patch) {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}
if (args === "--version") console.log("OpenClaw " + (answers.version ?? "2026.9.6") + " (0000000)");
else if (args === "gateway status --json") {
  const { exists = true, valid = true, daemonPath = configPath, pid } = answers;
  const issues = valid ? [] : [{ path: "", message: "JSON5 parse failed: invalid end of input at 2:1" }];
  print({
    service: { loaded: false },
    config: { cli: { path: configPath, exists, valid, issues }, daemon: { path: daemonPath } },
    gateway: { port: 1, version: null },
    port: { status: pid === undefined ? "free" : "busy", listeners: pid === undefined ? [] : [{ pid }] },
  });
} else if (args === "config get gateway --json") {
  const gateway = read().gateway ?? {};
  for (const name of ["token", "password"]) if (gateway.auth?.[name]) gateway.auth[name] = "__OPENCLAW_REDACTED__";
  for (const [user, scopes] of Object.entries(gateway.auth?.identityScopes ?? {}))
    if (/password|secret|api.?key/i.test(user)) scopes.fill("__OPENCLAW_REDACTED__");
  print(gateway);
} else if (args === "config get tools --json") {
  print({ ok: false, error: { message: "Config path is valid but unset: tools." } });
  process.exit(1);
} else if (args === "agents list --json") {
  const folders = answers.workspaces ?? ["/srv/workspace", "/srv/workspace"];
  print(folders.map((workspace, index) => ({ id: "agent" + index, workspace, isDefault: index === 1 })));
}
else if (args === "sandbox explain --json") print({ sandbox: { mode: "off" } });
else if (args.startsWith("config patch --stdin")) {
  const patch = readFileSync(0, "utf8");
  if (answers.refusal) {
    console.error(answers.refusal.replace("PATCH", patch));
    process.exit(1);
  }
  if (!args.includes("--dry-run")) writeFileSync(path, JSON.stringify({ ...merge(read(), JSON.parse(patch)), meta: {} }));
} else throw new Error("not played: " + args);
`;

/** @returns a folder that is gone when the test is */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param config openclaw.json's text */
export function fakeOpenClawCli(config: string, answers: FakeAnswers = {}): FakeOpenClawCli {
  const folder = temporaryFolder();
  const configPath = join(folder, "openclaw.json");
  const stateFolder = join(folder, "agent");
  const command = join(folder, "openclaw");
  mkdirSync(stateFolder, { mode: 0o700 });
  writeFileSync(configPath, config, { mode: 0o600 });
  writeFileSync(join(folder, "openclaw.mjs"), PROGRAM);
  const answer = (given: FakeAnswers) =>
    writeFileSync(join(folder, "answers.json"), JSON.stringify({ answers: given, configPath }));
  answer(answers);
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, "openclaw.mjs")}" "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(
    join(stateFolder, "agent.json"),
    JSON.stringify({ agentId: "abcdefghij", url: "https://claw.example.com", publicHost: "claw.example.com" }),
    { mode: 0o600 },
  );
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  return {
    command,
    configPath,
    stateFolder,
    answer,
    readConfig: () => read(configPath),
    readState: (name) => read(join(stateFolder, name)),
  };
}

export interface PlayedContext extends CommandContext {
  /** What was said, a line each. */
  said: string[];
}

/** A person at the terminal, who says yes. */
export function playContext(cli: FakeOpenClawCli, overrides: Partial<CommandContext> = {}): PlayedContext {
  const said: string[] = [];
  return {
    folder: cli.stateFolder,
    env: { PATH: "/usr/bin:/bin", HOME: cli.stateFolder },
    words: [],
    flags: { openclaw: cli.command },
    yes: false,
    dryRun: false,
    json: false,
    say: (sentence) => void said.push(sentence),
    confirm: () => Promise.resolve(true),
    ask: () => Promise.reject(new Error("nothing is asked")),
    fetch: () => Promise.reject(new Error("offline")),
    nowMs: () => Date.parse("2026-11-22T10:00:00Z"),
    said,
    sleep: () => Promise.resolve(),
    ...overrides,
  };
}
