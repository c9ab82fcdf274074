/** A real OpenClaw with two agents, the second's workspace in a folder of the first's, as OpenClaw itself puts it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { startBrowser } from "../support/browser.ts";
import { ChatPage } from "../support/chat-page.ts";
import { firstTurn } from "../support/first-turn.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

const OTHER = "work";

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
      otherAgents: [OTHER],
    }),
    startBrowser(),
  ]);
  await stack.ready;
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    await screenshot(page, `failure-two-agents-${page.url().length}`, false).catch(() => undefined);
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

test("each agent tells people who they are, and neither's first-run ritual is lost", { timeout: 240_000 }, async () => {
  const [alice, bob] = [await visit("alice@example.com"), await visit("bob@example.com")];
  const turns: [agent: string, person: ChatPage, email: string][] = [
    ["main", bob, "bob@example.com"],
    [OTHER, bob, "bob@example.com"],
    [OTHER, alice, "alice@example.com"],
  ];
  for (const [agent, person, email] of turns) {
    // OpenClaw looks at its ritual again at the second turn.
    await firstTurn(person, agent);
    await person.say("who am I?");
    await person.shows(`You are ${email}`);
  }
  assertNotBlank(await screenshot(alice.page, "two-agents", false));
  for (const workspace of [stack.workspace, join(stack.workspace, OTHER)]) {
    expect(existsSync(join(workspace, "BOOTSTRAP.md"))).toBe(true);
    expect(readFileSync(join(workspace, "AGENTS.md"), "utf8")).toContain('"email":"bob@example.com"');
  }
});
