/** `configure`, `doctor` and `unconfigure` with the real OpenClaw, which starts in token mode as people have it; each test goes on from the one before. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installOpenClaw } from "../../scripts/openclaw-install.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { gatewayPublicKey, openAgentKey } from "../../scripts/secrets.ts";
import { personalBlock, rosterBlock, withBlock } from "../../workspace-agent/identity/roster.ts";
import { probe } from "../../workspace-agent/openclaw/probe.ts";
import { AUDIT_FINDINGS, REFUSALS } from "../../workspace-agent/openclaw/refusals.ts";
import { startTokenOpenClaw, type TokenOpenClaw } from "../support/token-openclaw.ts";

const TOKEN = "the-token-from-before";
const PROFILE = "875d001d-a23c-4006-ac2c-eab1e319480c";
/** Several runs of OpenClaw's command line, 3 s each on an idle machine, and two restarts. */
const TIMEOUT_MS = 600_000;

interface Run {
  exit: number | null;
  signal: NodeJS.Signals | null;
  result: Record<string, unknown>;
  said: string;
}

let home: string;
let folder: string;
let openclaw: TokenOpenClaw;
let edge: Server;
let port: number;
let original: Buffer;
let notes: Record<string, string>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  folder = join(home, "agent");
  edge = createServer((_request, response) => void response.end("ok")).listen(0, "127.0.0.1");
  await once(edge, "listening");
  const url = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
  const { agentId } = openAgentKey(folder);
  const enrolment = {
    agentId,
    url,
    tenant: "default",
    gatewayKey: gatewayPublicKey("any", "default"),
    publicHost: new URL(url).host,
  };
  writeFileSync(join(folder, "agent.json"), JSON.stringify(enrolment), { mode: 0o600 });
  port = await findFreePort();
  openclaw = await startTokenOpenClaw(join(home, "openclaw"), port, TOKEN);
  writeFileSync(join(openclaw.workspace, "USER.md"), "I like tea.\r\nNo line end at the end");
  original = readFileSync(openclaw.configPath);
  notes = treeOf(openclaw.workspace);
});

afterAll(async () => {
  await openclaw?.stop();
  edge?.close();
  if (home) rmSync(home, { recursive: true, force: true });
});

/** Every file below a folder, as text. */
function treeOf(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const path = join(root, name);
      return [name, statSync(path).isFile() ? readFileSync(path, "latin1") : "folder"];
    }),
  );
}

async function agent(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const command = [join(rootFolder, "workspace-agent/cli.ts"), ...args, "--yes", "--json", "--state", folder];
  const child = spawn(process.execPath, [...command, "--openclaw", openclaw.command], {
    env: { ...openclaw.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, said] = ["", ""];
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (said += String(data)));
  const [exit, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { exit, signal, said, result: stdout === "" ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
}

function settings(): { gateway: { auth: Record<string, unknown> } } {
  return JSON.parse(readFileSync(openclaw.configPath, "utf8")) as ReturnType<typeof settings>;
}

function backups(): string[] {
  return readdirSync(join(openclaw.configPath, "..")).filter((name) => name.includes(".tidegate-"));
}

/** As the running agent does for a person. */
function writeIdentity(): void {
  const person = {
    subject: "s",
    user: "alice@example.com",
    email: "alice@example.com",
    name: "Alice",
    role: "admin",
    active: true,
  };
  const profiles = { ids: new Map([[person.user, PROFILE]]), ambiguous: new Set<string>() };
  const root = join(openclaw.workspace, "USER.md");
  const { text } = rosterBlock([person as never], profiles, "https://claw.example.com");
  writeFileSync(root, withBlock(readFileSync(root), text));
  mkdirSync(join(openclaw.workspace, "users", PROFILE), { recursive: true });
  writeFileSync(join(openclaw.workspace, "users", PROFILE, "USER.md"), `${personalBlock(PROFILE, person as never)}\n`);
}

async function statusWithToken(): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  return (await fetch(`http://127.0.0.1:${port}/sessions/none/history`, { headers })).status;
}

test("every reason of the installed OpenClaw's has words, and no other has", async () => {
  const dist = join(await installOpenClaw(), "node_modules/openclaw/dist");
  const files = readdirSync(dist).filter((name) => name.endsWith(".mjs"));
  const reasons = new Set(
    files.flatMap((name) => {
      return readFileSync(join(dist, name), "latin1").match(/trusted_proxy_[a-z_]+|proxy_attribution_required/g) ?? [];
    }),
  );
  expect([...reasons].sort()).toEqual([...Object.keys(REFUSALS), ...Object.keys(AUDIT_FINDINGS)].sort());
});

test(
  "killed before and after its change, and run twice at once, it ends where one run does",
  { timeout: TIMEOUT_MS },
  async () => {
    expect(await agent(["configure"], { KILL: "before" })).toMatchObject({ signal: "SIGKILL" });
    expect(readFileSync(openclaw.configPath).equals(original)).toBe(true);
    expect(backups()).toHaveLength(1);

    expect(await agent(["configure"], { KILL: "after" })).toMatchObject({ signal: "SIGKILL" });
    expect(settings().gateway.auth).toMatchObject({ mode: "trusted-proxy" });
    expect(settings().gateway.auth).not.toHaveProperty("password");

    const both = await Promise.all([agent(["configure"]), agent(["configure"])]);
    expect(both.map(({ exit }) => exit).sort()).toEqual([0, 1]);
    expect(both.find(({ exit }) => exit === 1)?.result).toMatchObject({ error: { code: "busy" } });
    const { mode, token, password } = settings().gateway.auth;
    expect({ mode, token }).toEqual({ mode: "trusted-proxy", token: undefined });
    expect(password).toMatch(/^[\w-]{43}$/);
    expect(backups()).toHaveLength(1);
  },
);

test(
  "run again it changes nothing, and OpenClaw believes the agent's address alone",
  { timeout: TIMEOUT_MS },
  async () => {
    const before = readFileSync(openclaw.configPath);
    expect(await agent(["configure"])).toMatchObject({ exit: 0, result: { changes: [], applied: false } });
    expect(readFileSync(openclaw.configPath).equals(before)).toBe(true);

    const { userHeader, publicHost } = JSON.parse(readFileSync(join(folder, "agent.json"), "utf8")) as Record<
      string,
      string
    >;
    const target = { host: "127.0.0.1", port, userHeader: userHeader ?? "", publicHost: publicHost ?? "" };
    expect((await probe(target, "127.77.0.1", "alice@example.com")).status).toBe(200);
    expect(await probe(target, "127.0.0.1", "alice@example.com")).toEqual({
      status: 403,
      type: "proxy_attribution_required",
    });
    expect((await probe(target, "127.77.0.2", "alice@example.com")).status).toBe(403);
    expect((await probe({ ...target, userHeader: "x-forwarded-user" }, "127.77.0.1", "alice@example.com")).status).toBe(
      401,
    );
    expect(await statusWithToken()).toBe(401);
  },
);

test("doctor finds nothing wrong, and all is undone to the byte", { timeout: TIMEOUT_MS }, async () => {
  writeIdentity();
  const { exit, result } = await agent(["doctor"]);
  const checks = result["checks"] as { id: string; state: string; sentence: string }[];
  expect(checks.filter(({ state }) => state === "fail" || state === "skipped")).toEqual([]);
  expect(exit).toBe(0);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);

  expect(await agent(["unconfigure"])).toMatchObject({ exit: 0, result: { config: "bytes", files: 2 } });
  expect(readFileSync(openclaw.configPath).equals(original)).toBe(true);
  expect(treeOf(openclaw.workspace)).toEqual(notes);
  expect(backups()).toEqual([]);
  expect(await statusWithToken()).toBe(404);
  expect(await agent(["unconfigure"])).toMatchObject({ exit: 0, result: { config: "nothing", files: 0 } });
});

test("what others changed since stays, and the agent's own values go back", { timeout: TIMEOUT_MS }, async () => {
  expect(await agent(["configure", "--admin", "alice@example.com"])).toMatchObject({ exit: 0 });
  const config = settings() as unknown as Record<string, unknown>;
  writeFileSync(openclaw.configPath, JSON.stringify({ ...config, ui: { seamColor: "#336699" } }));
  const { exit, result } = await agent(["unconfigure"]);
  expect({ exit, config: result["config"] }).toEqual({ exit: 0, config: "values" });
  const after = settings() as unknown as { gateway: unknown; ui: unknown };
  expect(after.ui).toEqual({ seamColor: "#336699" });
  expect(after.gateway).toEqual({ mode: "local", port, bind: "loopback", auth: { mode: "token", token: TOKEN } });
  expect(backups()).toHaveLength(1);
  expect(await statusWithToken()).toBe(404);
});
