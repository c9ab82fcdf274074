import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { findFreePort, isPortFree } from "../../scripts/ports.ts";
import { reset } from "../../scripts/reset.ts";
import { findLiveRun } from "../../scripts/run-record.ts";
import { REFUSALS, startFakeOpenClaw } from "../support/fake-openclaw.ts";
import { NpmStart } from "../support/npm-start.ts";

let folder: string;
let port: number;
const started: NpmStart[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-start-"));
  port = await findFreePort();
});

afterEach(async () => {
  for (const run of started.splice(0)) await run.destroy();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(home: string, env: NodeJS.ProcessEnv = {}): NpmStart {
  const run = new NpmStart({ TIDEGATE_HOME: home, PORT: String(port), ...env });
  started.push(run);
  return run;
}

/** What a refused start leaves: one text, no stack, nothing on stdout, nobody running. */
async function expectRefusal(run: NpmStart, text: string | RegExp): Promise<void> {
  expect(await run.exited).toBe(1);
  expect(run.stderr).toMatch(text);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run.stdout).toBe("");
  expect(run.leftOver()).toEqual([]);
}

/** Opens the first page as a browser does: `fetch` marks its requests as a script's, which get no page. */
async function openAsAlice(url: string): Promise<{ status: number | undefined; text: string }> {
  const signedIn = await fetch(`${url}/_gate/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ email: "alice@example.com" }),
  });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const headers = { cookie, accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  const [response] = (await once(get(`${url}/`, { headers }), "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

test("a port in use is told with its holder, and the state is not touched", async () => {
  const home = join(folder, "port");
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  try {
    await expectRefusal(
      start(home),
      new RegExp(`Port ${port} is in use \\(by .+, pid ${process.pid}\\)\\. Try: PORT=`),
    );
    expect(readdirSync(home)).toEqual([]);
  } finally {
    server.close();
  }
});

test.each<[what: string, break_: (home: string) => void, text: RegExp]>([
  ["is a file", (home) => writeFileSync(home, ""), /cannot use .+: a file is where a folder must be/],
  [
    "holds torn secrets",
    (home) => (mkdirSync(home), writeFileSync(join(home, "secrets.json"), '{"sess')),
    /secrets\.json cannot be read\. Start afresh with: npm run reset/,
  ],
  [
    "holds a torn database",
    (home) => {
      const objects = join(home, "edge/do/tidegate-tenant-TenantObject");
      mkdirSync(objects, { recursive: true });
      writeFileSync(join(objects, "metadata.sqlite"), "torn".repeat(100));
    },
    /runtime did not start \(SQLITE_NOTADB\).+ npm run reset/,
  ],
])("a state folder that %s is told in words", async (what, breakIt, text) => {
  const home = join(folder, what.replaceAll(" ", "-"));
  breakIt(home);
  await expectRefusal(start(home), text);
  rmSync(home, { recursive: true });
});

test("an own OpenClaw in token mode, or an unreadable workspace, is told before anybody can sign in for nothing", async () => {
  const openclaw = await startFakeOpenClaw(() => ({ ok: false, error: REFUSALS.token }));
  const workspace = join(folder, "workspace");
  mkdirSync(join(workspace, "USER.md"), { recursive: true });
  const env = { OPENCLAW_URL: openclaw.url, OPENCLAW_GATEWAY_PASSWORD: "secret" };
  try {
    const tokenMode = start(join(folder, "own"), { ...env, OPENCLAW_WORKSPACE: folder });
    await expectRefusal(
      tokenMode,
      "gateway.auth.mode is token; it must be trusted-proxy. Start anyway: npm start -- --force",
    );
    const unreadable = start(join(folder, "own"), { ...env, OPENCLAW_WORKSPACE: workspace });
    await expectRefusal(unreadable, "USER.md is not a regular file");
  } finally {
    await openclaw.stop();
  }
});

test("without a network a fresh checkout says so, while it tries and at the end, and can be started again", async () => {
  const checkout = join(folder, "checkout");
  for (const name of ["scripts", "package.json", "package-lock.json"])
    cpSync(name, join(checkout, name), { recursive: true });
  const registry = `http://127.0.0.1:${await findFreePort()}/`;
  const run = new NpmStart({ npm_config_registry: registry, npm_config_cache: join(folder, "npm-cache") }, checkout);
  started.push(run);
  await run.line("ECONNREFUSED; npm tries again");
  await expectRefusal(run, "the npm registry cannot be reached. Check the network and run the same command again");
  expect(existsSync(join(checkout, ".tidegate", "install.lock"))).toBe(false);
});

test("killed by -9 in the middle of a start, it starts cleanly; Ctrl-C leaves nobody and nothing half-written", async () => {
  const home = join(folder, "whole");
  const url = `http://localhost:${port}`;
  const killed = start(home);
  await killed.line("answers; the workspace is starting");
  console.log(
    `the edge answered after ${Math.round(performance.now() - killed.startedAt)} ms (goal 3000, on a quiet machine)`,
  );
  const page = await openAsAlice(url);
  expect(page.status).toBe(503);
  expect(page.text).toContain("Starting OpenClaw");

  await expectRefusal(
    start(home),
    /Tidegate runs already \(pid \d+\)\. A second one needs a folder and a port of its own/,
  );
  await expect(reset(home)).rejects.toThrow(/Tidegate is running \(pid \d+\): stop it first/);

  await killed.line("starting OpenClaw");
  killed.look(home);
  process.kill(findLiveRun(home) ?? 0, "SIGKILL");
  await killed.exited;

  const again = start(home);
  await again.line("Ready ");
  expect(again.stderr).toMatch(/ended \d+ processes of a run that was killed/);
  expect(killed.leftOver()).toEqual([]);
  expect(again.stdout).toBe(`Ready ${url}\n`);
  expect((await openAsAlice(url)).status).toBe(200);
  again.signalGroup("SIGINT");
  expect(await again.exited).toBe(0);
  expect(again.leftOver()).toEqual([]);
  expect(
    readdirSync(home, { recursive: true }).filter((name) => /run\.json|start\.lock|\.tmp$/.test(String(name))),
  ).toEqual([]);
  expect(await isPortFree(port)).toBe(true);
  expect(again.stdout).toBe(`Ready ${url}\n`);
});

test("SIGTERM while OpenClaw starts leaves nobody, and never says Ready", async () => {
  const home = join(folder, "whole");
  const run = start(home);
  await run.line("starting OpenClaw");
  run.look(home);
  run.signal("SIGTERM");
  expect(await run.exited).toBe(0);
  expect(run.leftOver()).toEqual([]);
  expect(run.stdout).toBe("");
  expect(existsSync(join(home, "run.json"))).toBe(false);
});
