/** OpenClaw hides people's sessions from each other (its `gateway.roles`), and the gateway leads each to their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { startBrowser } from "../support/browser.ts";
import { ChatPage } from "../support/chat-page.ts";
import { firstTurn } from "../support/first-turn.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

const SCOPES = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];
const APART = {
  default: "person",
  definitions: { person: { sessions: { others: "none" }, agents: "*", scopes: SCOPES } },
};

let stack: Stack;
let browser: Browser;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  [stack, browser] = await Promise.all([
    startAll({
      port: await findFreePort(),
      home,
      stubUsers: "alice@example.com,bob@example.com",
      wordDelayMs: 20,
      gatewayVars: { OWN_SESSIONS: "true" },
      openclawRoles: APART,
    }),
    startBrowser(),
  ]);
  await stack.ready;
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

test("each person lands in a session of their own, is told who they are, and hears nothing of the other's", async () => {
  const alice = await visit("alice@example.com");
  expect(new URL(alice.page.url()).pathname).toBe("/new");
  await firstTurn(alice);
  await alice.openNewSession();
  await alice.say("who am I? about the harbour");
  await alice.shows("You are alice@example.com");

  const bob = await visit("bob@example.com");
  expect(new URL(bob.page.url()).pathname).toBe("/new");
  await bob.say("who am I? about the lighthouse");
  await bob.shows("You are bob@example.com");

  // A story while the other looks on: what is broadcast would arrive here.
  await alice.say("long story 200 about the harbour");
  await alice.shows("word200");
  await bob.say("still about the lighthouse");
  await bob.shows("Demo model: still about the lighthouse");
  assertNotBlank(await screenshot(bob.page, "isolation"));
  expect(bob.frames.filter((frame) => frame.includes("harbour"))).toEqual([]);
  expect(await bob.page.locator("body").innerText()).not.toContain("harbour");
  expect(alice.frames.filter((frame) => frame.includes("lighthouse"))).toEqual([]);
});
