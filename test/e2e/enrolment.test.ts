/** A computer is let in, in Chromium, by an administrator who compares fingerprints; and it is put out again. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { updateAgentFile } from "../../workspace-agent/state/agent-file.ts";
import { agentCommand } from "../support/agent-command.ts";
import { type LocalGateway, startLocalGateway } from "../support/local-gateway.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

const home = mkdtempSync(join(tmpdir(), "tidegate-enrolment-"));
const folder = (name: string) => join(home, name);
let gateway: LocalGateway;
let browser: Browser;
let consoleUrl = "";

beforeAll(async () => {
  const consolePort = await findFreePort();
  consoleUrl = `http://localhost:${consolePort}`;
  const users = "alice@example.com:admin,bob@example.com";
  const entries = {
    gateway: join(rootFolder, "worker/index.stub.ts"),
    tenant: join(rootFolder, "durable-objects/index.ts"),
  };
  gateway = await startLocalGateway({ home, port: await findFreePort(), originPort: 1, consolePort, users, entries });
  const found = await findChromium(".tidegate");
  browser = await chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.edge.dispose();
  rmSync(home, { recursive: true, force: true });
});

async function openAs(email: string, url = consoleUrl): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("button", { name: email }).click();
  return page;
}

/** Runs the agent with its origin made up: nothing of these tests goes there. */
function startAgent(state: string) {
  const link = { openclawUrl: "http://127.0.0.1:1", workspace: home, userHeader: "x-user", localAddress: "127.77.0.1" };
  updateAgentFile(state, link);
  return agentCommand(state, ["run"]);
}

/** Enrols a computer with a one-use token of the console's. */
async function enrolled(name: string): Promise<{ state: string; agentId: string }> {
  const page = await openAs("alice@example.com", `${consoleUrl}/agents`);
  await page.getByRole("button", { name: "New enrolment token" }).click();
  const token = (await page.locator("code.token").textContent()) ?? "";
  await page.context().close();
  const state = folder(name);
  const args = ["enroll", gateway.origin, "--name", name, "--json"];
  const { code, out, error } = await agentCommand(state, args, { TIDEGATE_ENROLL_TOKEN: token }).ended;
  expect([code, error.includes(token)]).toEqual([0, false]);
  const again = await agentCommand(folder(`${name}-thief`), args, { TIDEGATE_ENROLL_TOKEN: token }).ended;
  expect(JSON.parse(again.out)).toMatchObject({ error: { code: "token_used" } });
  return { state, agentId: (JSON.parse(out) as { agentId: string }).agentId };
}

test("an administrator compares the fingerprint, lets the computer in, and it connects", async () => {
  const state = folder("studio");
  const run = agentCommand(state, ["enroll", gateway.origin, "--name", "studio <b>of</b> alice"]);
  const [, fingerprint = ""] = await run.says(/fingerprint (\S+)/);
  const [, link = ""] = await run.says(/(http\S+request=\S+)/);
  // A second one does not come in between.
  const second = await agentCommand(state, ["enroll", gateway.origin, "--json"]).ended;
  expect([second.code, JSON.parse(second.out)]).toMatchObject([1, { error: { code: "busy" } }]);

  const bob = await openAs("bob@example.com", link);
  await bob.getByRole("heading", { name: "For administrators" }).waitFor();
  const alice = await openAs("alice@example.com", link);
  await alice.getByRole("heading", { name: "Let this computer in?" }).waitFor();
  expect(await alice.locator(".fingerprint").textContent()).toContain(fingerprint);
  expect(await alice.getByText("studio <b>of</b> alice").count()).toBe(1);
  assertNotBlank(await screenshot(alice, "enrol"));
  await alice.setViewportSize({ width: 360, height: 720 });
  await alice.emulateMedia({ colorScheme: "dark" });
  assertNotBlank(await screenshot(alice, "enrol-narrow-dark", false));
  expect(await alice.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  await alice.getByRole("button", { name: "It is the same: let it in" }).click();
  await alice.getByRole("heading", { name: "It is in" }).waitFor();

  expect((await run.ended).code).toBe(0);
  for (const file of ["agent.json", "agent.key"]) expect(statSync(join(state, file)).mode & 0o777).toBe(0o600);
  expect(existsSync(join(state, "lock"))).toBe(false);
  const again = await agentCommand(state, ["enroll", gateway.origin, "--json"]).ended;
  expect([again.code, JSON.parse(again.out)]).toMatchObject([0, { already: true }]);

  const agent = startAgent(state);
  await agent.says(/tunnel\.active/);
  const status = await agentCommand(state, ["status", "--json"]).ended;
  expect(JSON.parse(status.out)).toMatchObject({ enrolled: true, role: "active", name: "studio <b>of</b> alice" });
  await alice.goto(`${consoleUrl}/agents`);
  await alice
    .getByRole("listitem")
    .filter({ hasText: /alice\s+connected/ })
    .waitFor();
  assertNotBlank(await screenshot(alice, "agents", false));

  await alice.getByRole("button", { name: /^Revoke studio/ }).click();
  await alice.getByText("No computer has been let in yet.").or(alice.getByText("tenant document")).first().waitFor();
  await agent.says(/agent_refused|revoked/);
  expect(await gateway.isReady()).toBe(false);
  const revoked = await agentCommand(state, ["status", "--json"]).ended;
  expect([revoked.code, JSON.parse(revoked.out)]).toMatchObject([6, { error: "agent_refused" }]);
  agent.kill("SIGTERM");
  await agent.ended;
});

test("an administrator who did not start it says no, and the computer hears it", async () => {
  const run = agentCommand(folder("stranger"), ["enroll", gateway.origin, "--json"]);
  const [, link = ""] = await run.says(/(http\S+request=\S+)/);
  const alice = await openAs("alice@example.com", link);
  await alice.getByRole("button", { name: "I did not start this" }).click();
  await alice.getByRole("heading", { name: "Denied" }).waitFor();
  const { code, out } = await run.ended;
  expect([code, JSON.parse(out)]).toMatchObject([5, { error: { code: "enrolment_denied" } }]);
});

test("killed while it waits, it asks again with the same key", async () => {
  const state = folder("killed");
  const run = agentCommand(state, ["enroll", gateway.origin]);
  const [, fingerprint] = await run.says(/fingerprint (\S+)/);
  await run.says(/request=/);
  run.kill("SIGKILL");
  await run.ended;
  const again = agentCommand(state, ["enroll", gateway.origin]);
  expect((await again.says(/fingerprint (\S+)/))[1]).toBe(fingerprint);
  again.kill("SIGKILL");
  await again.ended;
});

test("a key is replaced without a cut: the old one ends when the new one connects", async () => {
  const { state } = await enrolled("rotating");
  const old = readFileSync(join(state, "agent.key"));
  const agent = startAgent(state);
  await agent.says(/tunnel\.active/);
  const rotated = await agentCommand(state, ["rotate-key", "--json"]).ended;
  expect(rotated.code).toBe(0);
  expect(await gateway.isReady()).toBe(true);
  expect(readFileSync(join(state, "agent.key")).equals(old)).toBe(false);
  agent.kill("SIGTERM");
  await agent.ended;
  const next = startAgent(state);
  await next.says(/tunnel\.active/);
  const status = await agentCommand(state, ["status", "--json"]).ended;
  expect(JSON.parse(status.out)).toMatchObject({ role: "active" });
  next.kill("SIGTERM");
  await next.ended;
});

test.each<[what: string, args: string[], code: string, exit: number]>([
  ["no address", ["enroll"], "usage", 2],
  ["an address in clear text", ["enroll", "http://claw.example.com"], "usage", 2],
  ["an address where nobody is", ["enroll", "http://127.0.0.1:9"], "gateway_unreachable", 1],
  ["no enrolment", ["rotate-key"], "not_enrolled", 3],
])("%s: %s", async (_what, args, code, exit) => {
  const ended = await agentCommand(folder("nothing"), [...args, "--json"]).ended;
  expect([JSON.parse(ended.out), ended.code]).toMatchObject([{ error: { code } }, exit]);
});
