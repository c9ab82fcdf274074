/**
 * The computer's half of deploy day, as README.md tells it: an OpenClaw in token mode is put behind a gateway and a real
 * OpenID provider, people chat, everything is upgraded under an open chat, and all of it is undone to the byte.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DemoModel, startDemoModel } from "../../demo/model.ts";
import { buildAgentAssets } from "../../scripts/build-agent.ts";
import { findChromium } from "../../scripts/chromium.ts";
import { type Edge, startEdge } from "../../scripts/edge.ts";
import { type LocalOidc, startOidc } from "../../scripts/oidc.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { openSecrets } from "../../scripts/secrets.ts";
import { ChatPage } from "../support/chat-page.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";
import { startTokenOpenClaw, type TokenOpenClaw } from "../support/token-openclaw.ts";

const home = mkdtempSync(join(tmpdir(), "tidegate-deploy-day-"));
const assets = join(home, "assets");
const downloaded = join(home, "tidegate-agent.mjs");
const execute = promisify(execFile);
const TIMEOUT_MS = 600_000;
let [url, consoleUrl] = ["", ""];
let ports: [port: number, consolePort: number];
let [edge, oidc, model, openclaw, browser]: [Edge?, LocalOidc?, DemoModel?, TokenOpenClaw?, Browser?] = [];
let agent: ChildProcess | undefined;

async function startGateway(): Promise<Edge> {
  const secrets = openSecrets(home);
  return startEdge({
    port: ports[0],
    consolePort: ports[1],
    stateFolder: join(home, "edge"),
    assetsFolder: assets,
    entries: {
      gateway: join(rootFolder, "worker/index.ts"),
      tenant: join(rootFolder, "durable-objects/index.ts"),
    },
    gatewayVars: {
      ENVIRONMENT: "development",
      PUBLIC_URL: url,
      CONSOLE_ORIGIN: consoleUrl,
      SESSION_SECRET: secrets.sessionSecret,
      ...oidc?.gatewayVars,
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey },
  });
}

beforeAll(async () => {
  ports = [await findFreePort(), await findFreePort()];
  [url, consoleUrl] = [`http://localhost:${ports[0]}`, `http://localhost:${ports[1]}`];
  await buildAgentAssets(assets);
  oidc = await startOidc(url, consoleUrl, "alice@example.com:admin,bob@example.com");
  edge = await startGateway();
  model = await startDemoModel({ port: 0, wordDelayMs: 20 });
  openclaw = await startTokenOpenClaw(join(home, "openclaw"), await findFreePort(), "a-token-of-before", model.baseUrl);
  const found = await findChromium(".tidegate");
  browser = await chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}, 300_000);

afterAll(async () => {
  agent?.kill("SIGKILL");
  await browser?.close();
  await edge?.dispose();
  await oidc?.provider.stop();
  await openclaw?.stop();
  await model?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** The one file, as the person runs it on the computer of OpenClaw. */
function command(program: string, ...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { env: openclaw?.env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      said += String(chunk);
      for (const look of waiting) look();
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, said }));
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(said);
        if (found !== null) resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`never said ${pattern}: ${said}`)));
    });
  return { child, says, ended };
}

function treeOf(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const path = join(root, name);
      return [name, statSync(path).isFile() ? readFileSync(path, "latin1") : "folder"];
    }),
  );
}

async function startAgent(program: string): Promise<void> {
  const run = command(program, "run");
  agent = run.child;
  await run.says(/tunnel\.active|tunnel\.resumed/);
}

async function stopAgent(): Promise<void> {
  const running = agent;
  if (running === undefined) return;
  const exited = once(running, "exit");
  running.kill("SIGTERM");
  await exited;
}

test(
  "from a token-mode OpenClaw to a chat behind sign-in, through every upgrade, and back to the byte",
  { timeout: TIMEOUT_MS },
  async () => {
    if (openclaw === undefined || browser === undefined) throw new Error("not started");
    const { configPath, workspace, env } = openclaw;
    const openclawCommand = ["--openclaw", openclaw.command];
    // As people have it: talked to before, so with what OpenClaw puts there at its first word, and its first-run ritual done.
    await execute(openclaw.command, ["agent", "--agent", "main", "--message", "hello", "--json"], { env });
    writeFileSync(join(workspace, "IDENTITY.md"), "# Who I am\n\nTidy, a helper.\n");
    rmSync(join(workspace, "BOOTSTRAP.md"));
    const before = { config: readFileSync(configPath), workspace: treeOf(workspace) };

    // The release before, so that there is something to upgrade from.
    const current = await (await fetch(`${url}/_gate/agent.mjs`)).text();
    const former = current.replace('VERSION = "0.1.0"', 'VERSION = "0.0.9"');
    expect(former).not.toBe(current);
    writeFileSync(downloaded, former);

    const setup = command(downloaded, "setup", url, "--yes", "--no-service", ...openclawCommand);
    const [, fingerprint = ""] = await setup.says(/fingerprint (\S+)/);
    const [, link = ""] = await setup.says(/(http\S+request=\S+)/);
    const admin = await (await browser.newContext()).newPage();
    await admin.goto(link);
    await admin.getByPlaceholder("Enter any login").fill("alice");
    await admin.getByPlaceholder("and password").fill("any");
    await admin.getByRole("button", { name: "Sign-in" }).click();
    await admin.getByRole("heading", { name: "Let this computer in?" }).waitFor();
    expect(await admin.locator(".fingerprint").textContent()).toContain(fingerprint);
    await admin.getByRole("button", { name: "It is the same: let it in" }).click();
    const done = await setup.ended;
    expect(done.code, done.said).toBe(0);
    expect(done.said).not.toContain("a-token-of-before");

    const again = await command(downloaded, "setup", url, "--yes", "--no-service", "--json", ...openclawCommand).ended;
    expect(again.code, again.said).toBe(0);
    expect(again.said).toContain('"already":true');

    // As `install` would have put it; a service manager is not part of every machine that tests this.
    const installed = join(env["HOME"] ?? "", ".local/share/tidegate/tidegate-agent.mjs");
    mkdirSync(join(installed, ".."), { recursive: true });
    writeFileSync(installed, former);
    await startAgent(installed);

    const chat = await ChatPage.open(await browser.newContext({ viewport: { width: 1280, height: 800 } }), url);
    await chat.signIn("bob");
    const ask = async (text: string, answer: RegExp) => {
      await chat.say(text);
      await chat.page.getByText(answer).last().waitFor({ timeout: 60_000 });
    };
    await ask("who am I?", /You are bob@example\.com/);
    assertNotBlank(await screenshot(chat.page, "deploy-day"));

    // An administrator's first chat changes openclaw.json, too.
    let connections = chat.connections;
    const chief = await ChatPage.open(await browser.newContext({ viewport: { width: 1280, height: 800 } }), url);
    await chief.signIn("alice");
    await chat.connected(connections + 1);
    expect(JSON.parse(readFileSync(configPath, "utf8"))).toMatchObject({
      gateway: { auth: { identityScopes: { "alice@example.com": ["operator.admin"] } } },
    });
    await chief.page.context().close();

    const upgraded = await command(installed, "upgrade").ended;
    expect(upgraded.said).toContain("Upgraded to 0.1.0");
    connections = chat.connections;
    await stopAgent();
    await startAgent(installed);
    await chat.connected(connections + 1);
    await ask("long story 3", /word3/);

    // Both scripts anew, with what they stored: as a deploy does, every socket is dropped.
    connections = chat.connections;
    await edge?.dispose();
    edge = await startGateway();
    await chat.connected(connections + 1);
    await ask("who am I now?", /You are bob@example\.com/);
    expect(chat.page.url()).toContain(url);

    await stopAgent();
    const gone = await command(installed, "uninstall", "--yes", ...openclawCommand).ended;
    expect(gone.code, gone.said).toBe(0);
    expect(readFileSync(configPath).equals(before.config)).toBe(true);
    expect(treeOf(workspace)).toEqual(before.workspace);
    expect(existsSync(join(env["HOME"] ?? "", ".config/tidegate"))).toBe(false);
    expect(existsSync(installed)).toBe(false);
    await admin.goto(`${consoleUrl}/agents`);
    await admin.getByText("No computer has been let in yet.").waitFor();
  },
);
