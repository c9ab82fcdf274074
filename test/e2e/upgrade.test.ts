/** The agent's file: what the gateway serves, what takes the place of what, and what is refused. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildAgentAssets } from "../../scripts/build-agent.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { updateAgentFile } from "../../workspace-agent/state/agent-file.ts";
import { agentCommand } from "../support/agent-command.ts";
import { type LocalGateway, startLocalGateway } from "../support/local-gateway.ts";

const home = mkdtempSync(join(tmpdir(), "tidegate-upgrade-"));
const assets = join(home, "assets");
/** Of a key in the tenant document: it needs no administrator. */
const state = join(home, "agent");
const program = join(home, "data/tidegate/tidegate-agent.mjs");
const env = { XDG_DATA_HOME: join(home, "data"), XDG_CONFIG_HOME: join(home, "config") };
let gateway: LocalGateway;
let former = "";

beforeAll(async () => {
  await buildAgentAssets(assets);
  const current = readFileSync(join(assets, "agent.mjs"), "utf8");
  former = current.replace('VERSION = "0.1.0"', 'VERSION = "0.0.9"');
  expect(former).not.toBe(current);
  const entries = {
    gateway: join(rootFolder, "worker/index.stub.ts"),
    tenant: join(rootFolder, "durable-objects/index.ts"),
  };
  const port = await findFreePort();
  const users = "alice@example.com:admin";
  gateway = await startLocalGateway({ home, port, originPort: 1, users, entries, assetsFolder: assets });
}, 60_000);

afterAll(async () => {
  await gateway?.edge.dispose();
  rmSync(home, { recursive: true, force: true });
});

function installed(text: string): void {
  mkdirSync(join(home, "data/tidegate"), { recursive: true });
  writeFileSync(program, text);
}

const hash = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");

test("the gateway serves the file whose hash it names, as a download that no page can run", async () => {
  const manifest = (await (await fetch(`${gateway.origin}/_gate/agent.json`)).json()) as { sha256: string };
  const response = await fetch(`${gateway.origin}/_gate/agent.mjs`);
  expect(hash(Buffer.from(await response.arrayBuffer()))).toBe(manifest.sha256);
  expect(response.headers.get("content-disposition")).toContain("attachment");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("an agent of the release before connects, is upgraded, and the new one connects", async () => {
  installed(former);
  const old = spawn(process.execPath, [program, "run", "--state", state], { stdio: "ignore" });
  await gateway.ready(10_000);
  const upgraded = await agentCommand(state, ["upgrade", "--json"], env).ended;
  expect([upgraded.code, JSON.parse(upgraded.out)]).toEqual([0, { version: "0.1.0", already: false }]);
  expect(hash(readFileSync(program))).toBe(hash(readFileSync(join(assets, "agent.mjs"))));
  expect(existsSync(`${program}.previous`)).toBe(false);
  const exited = once(old, "exit");
  old.kill("SIGTERM");
  await exited;
  const current = spawn(process.execPath, [program, "run", "--state", state], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const chunk of current.stderr) if ((said += String(chunk)).includes("tunnel.active")) break;
  expect(said).toContain('"version":"0.1.0"');
  current.kill("SIGTERM");
  const again = await agentCommand(state, ["upgrade", "--json"], env).ended;
  expect(JSON.parse(again.out)).toEqual({ version: "0.1.0", already: true });
});

describe("a gateway that serves something else", () => {
  let server: Server;
  let files: Record<string, string> = {};
  const other = join(home, "other");

  beforeAll(async () => {
    server = createServer((request, response) => {
      const body = files[request.url ?? ""];
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, "agent.key"), readFileSync(join(state, "agent.key")), { mode: 0o600 });
    const known = JSON.parse(readFileSync(join(state, "agent.json"), "utf8")) as Parameters<typeof updateAgentFile>[1];
    updateAgentFile(other, { ...known, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  afterAll(() => void server.close());

  const manifest = (file: string, fields = {}) =>
    JSON.stringify({ version: "0.2.0", sha256: hash(file), protocol: "tidegate.v1", ...fields });
  const broken = "process.exit(3);";
  test.each<[what: string, code: string, serve: Record<string, string>]>([
    ["nothing", "no_agent_there", {}],
    ["a manifest that is none", "no_agent_there", { "/_gate/agent.json": "{}" }],
    ["a hash of another file", "wrong_hash", { "/_gate/agent.json": manifest("x"), "/_gate/agent.mjs": "y" }],
    [
      "a file that does not start",
      "does_not_start",
      { "/_gate/agent.json": manifest(broken), "/_gate/agent.mjs": broken },
    ],
  ])("%s: %s, and nothing is changed", async (_what, code, serve) => {
    files = serve;
    installed(former);
    const ended = await agentCommand(other, ["upgrade", "--json"], env).ended;
    expect([ended.code, JSON.parse(ended.out)]).toMatchObject([1, { error: { code } }]);
    expect(readFileSync(program, "utf8")).toBe(former);
  });
});

test("without an installed program it says so", async () => {
  rmSync(program, { force: true });
  const ended = await agentCommand(state, ["upgrade", "--json"], env).ended;
  expect([ended.code, JSON.parse(ended.out)]).toMatchObject([3, { error: { code: "not_installed" } }]);
});
