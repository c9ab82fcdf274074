/** An administrator forgets bob on the console: his page is out, and the files of every workspace are rid of him. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { listDescendants, signalProcess } from "../../scripts/processes.mjs";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { startBrowser } from "../support/browser.ts";
import { ChatPage } from "../support/chat-page.ts";
import { firstTurn } from "../support/first-turn.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

const OTHER = "work";
/** What the issue promises. */
const WITHIN_MS = 5_000;

let stack: Stack;
let browser: Browser;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  [stack, browser] = await Promise.all([
    startAll({
      port: await findFreePort(),
      home,
      stubUsers: "alice@example.com:admin,bob@example.com",
      wordDelayMs: 20,
      otherAgents: [OTHER],
    }),
    startBrowser(),
  ]);
  await stack.ready;
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const [at, page] of browser
    .contexts()
    .flatMap((context) => context.pages())
    .entries()) {
    await screenshot(page, `failure-forget-${at}`, false).catch(() => undefined);
  }
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

async function visit(email: string): Promise<ChatPage> {
  const page = await ChatPage.open(await browser.newContext({ viewport: { width: 1280, height: 800 } }), stack.url);
  await page.signInAs(email);
  return page;
}

/** The question about bob, at the console, to alice. */
async function askToForgetBob(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(stack.consoleUrl);
  await page.getByRole("button", { name: "alice@example.com" }).click();
  await page.getByRole("link", { name: "People" }).click();
  await page.getByRole("link", { name: "Forget bob@example.com" }).click();
  await page.getByRole("heading", { name: "Forget this person?" }).waitFor();
  return page;
}

/** @returns milliseconds from the click until no file tells of bob any more */
async function forgetBob(page: Page, profile: string): Promise<number> {
  const began = performance.now();
  await page.getByRole("button", { name: "Forget this person" }).click();
  await expect.poll(() => tracesOf(profile), { timeout: WITHIN_MS, interval: 20 }).toEqual([]);
  return performance.now() - began;
}

/** @returns files and folders of all workspaces that name bob, or hold him in what we wrote */
function tracesOf(profile: string): string[] {
  return readdirSync(stack.workspace, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const blocks = entry.isFile() ? blocksOf(path) : "";
    return path.includes(profile) || blocks.includes(profile) || blocks.includes("bob@example.com") ? [path] : [];
  });
}

function blocksOf(path: string): string {
  try {
    return /<!-- tidegate:roster:begin -->[^]*<!-- tidegate:roster:end -->/.exec(readFileSync(path, "utf8"))?.[0] ?? "";
  } catch {
    // Written anew between being listed and read.
    return "";
  }
}

function profileOfBob(): string {
  const roster = readFileSync(join(stack.workspace, "AGENTS.md"), "utf8");
  const profile = /"sender\.id":"([^"]+)","email":"bob@example\.com"/.exec(roster)?.[1];
  if (profile === undefined) throw new Error(`bob is not in the roster:\n${roster}`);
  return profile;
}

let profile = "";

test("forgotten on the console, bob is out at once, and within 5 s no workspace tells of him", async () => {
  const bob = await visit("bob@example.com");
  await firstTurn(bob);
  await firstTurn(bob, OTHER);
  await bob.say("who am I?");
  await bob.shows("You are bob@example.com");
  profile = profileOfBob();
  // Roster and personal file, in both workspaces.
  expect(tracesOf(profile).length).toBeGreaterThanOrEqual(6);

  const page = await askToForgetBob();
  await page.goBack();
  await page.setViewportSize({ width: 360, height: 740 });
  assertNotBlank(await screenshot(page, "console-people-narrow", false));
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  await page.setViewportSize({ width: 1280, height: 800 });
  assertNotBlank(await screenshot(page, "console-people", false));
  await page.goForward();
  assertNotBlank(await screenshot(page, "console-forget"));
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: "dark" });
  assertNotBlank(await screenshot(page, "console-forget-narrow", false));
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  // The UI's own words, or ours: which, is decided by how much of the UI had been loaded.
  const out = bob.page
    .getByText(/proxy authentication required|you were signed out/i)
    .first()
    .waitFor({ timeout: 30_000 });
  const tookMs = await forgetBob(page, profile);
  expect(tookMs).toBeLessThan(WITHIN_MS);
  await out;
  await bob.page.goto(`${stack.url}/`);
  await bob.page.getByRole("heading", { name: "You were signed out" }).waitFor();
  await page.getByRole("heading", { name: "People" }).waitFor();
  expect(await page.getByText("bob@example.com").count()).toBe(0);
});

test("who signs in with the address again is there for the first time, with the profile that OpenClaw kept", async () => {
  const page = await ChatPage.open(await browser.newContext({ viewport: { width: 1280, height: 800 } }), stack.url);
  await page.page.goto(`${stack.url}/`);
  await page.page.getByRole("button", { name: "bob@example.com" }).click();
  await page.page.getByRole("heading", { name: "Before you start" }).waitFor();
  await page.page.getByRole("button", { name: /^Continue to / }).click();
  await page.connected(1);
  expect(profileOfBob()).toBe(profile);
  await page.page.close();
});

test("an OpenClaw that has stopped answering keeps nobody in the files", async () => {
  const page = await askToForgetBob();
  const pid = stack.parts.openclaw?.current.pid ?? 0;
  const members = [{ pid }, ...listDescendants(pid)];
  for (const member of members) signalProcess(member.pid, "SIGSTOP");
  try {
    expect(await forgetBob(page, profile)).toBeLessThan(WITHIN_MS);
  } finally {
    for (const member of members) signalProcess(member.pid, "SIGCONT");
  }
});
