/** The Control UI behind the method gate: what a person does with it works, and what is refused leaves it usable. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { say } from "../support/composer.ts";
import { passNotice } from "../support/notice.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";

/** What the pages ask for by themselves and do without, by role; OpenClaw refuses a viewer's `question.list` too. */
const DISPENSABLE = { user: ["config.get", "logs.tail"], viewer: ["config.get", "logs.tail", "question.list"] };
const PAGES = [
  "agents",
  "automations",
  "plugins",
  "sessions",
  "usage",
  "skills",
  "settings/profile",
  "settings/approvals",
  "channels",
  "nodes",
  "debug",
  "logs",
];

let stack: Stack;
let browser: Browser;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  const found = await findChromium(".tidegate");
  stack = await startAll({
    port: await findFreePort(),
    home,
    stubUsers: "alice@example.com:admin,bob@example.com,vera@example.com:viewer",
    wordDelayMs: 20,
  });
  browser = await chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  await stack.ready;
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

interface Answer {
  type: string;
  id: string;
  ok: boolean;
  error?: { code: string };
}

/** A page, and how each method that it called was answered last. */
class Visit {
  readonly page: Page;
  /** `ok`, or the error's code. */
  readonly answers = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  private constructor(page: Page) {
    this.page = page;
    const called = new Map<string, string>();
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => {
        const { id, method } = JSON.parse(String(payload)) as { id: string; method: string };
        called.set(id, method);
      });
      socket.on("framereceived", ({ payload }) => {
        const message = JSON.parse(String(payload)) as Answer;
        const method = called.get(message.id);
        if (message.type !== "res" || method === undefined) return;
        this.answers.set(method, message.ok ? "ok" : (message.error?.code ?? "no code"));
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
      });
    });
  }

  static async begin(email: string): Promise<Visit> {
    const visit = new Visit(await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage());
    await visit.page.goto(`${stack.url}/`);
    await visit.page.getByRole("button", { name: new RegExp(email.replace(".", "\\.")) }).click();
    await passNotice(visit.page, visit.composer);
    await visit.answered("chat.startup");
    return visit;
  }

  get composer() {
    return this.page.locator("textarea:visible").first();
  }

  async say(text: string): Promise<void> {
    await say(this.composer, text);
  }

  async shows(text: string): Promise<void> {
    // As it reads: an answer that is still being told stands in many elements.
    await this.page.waitForFunction((part) => document.body.innerText.includes(part), text, { timeout: 60_000 });
  }

  /** Waits until one of these has an answer. */
  async answered(...methods: string[]): Promise<void> {
    while (!methods.some((method) => this.answers.has(method))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** @returns the methods that were refused the last time; OpenClaw's own troubles with a page that leaves are not ours */
  refused(): string[] {
    return [...this.answers].filter(([, answer]) => answer === "FORBIDDEN").map(([method]) => method);
  }
}

test("a user chats, begins a session and stops its answer, and nothing of it is refused", async () => {
  const bob = await Visit.begin("bob@example.com");
  const { page } = bob;
  await bob.say("who am I?");
  await bob.shows("You are bob@example.com");

  // A composer shows before there is a connection, and what is sent into it then is lost.
  bob.answers.delete("connect");
  await page.goto(`${stack.url}/new?agent=main`);
  await bob.answered("connect");
  await bob.composer.waitFor();
  await bob.say("long story 2000");
  await bob.shows("word3 ");
  await page.getByRole("button", { name: "Stop generating" }).click();
  await bob.answered("chat.abort", "sessions.abort");
  await page.getByRole("button", { name: "Stop generating" }).waitFor({ state: "detached" });
  expect(await page.locator("#control-ui-main").innerText()).not.toContain("word1999");
  assertNotBlank(await screenshot(page, "journey-stopped", false));

  expect(bob.refused().filter((method) => !DISPENSABLE.user.includes(method))).toEqual([]);
  for (const method of ["chat.send", "sessions.create"]) expect(bob.answers.get(method)).toBe("ok");
});

test.each([
  ["user", "bob@example.com"],
  ["viewer", "vera@example.com"],
] as const)("every page comes up for a %s, and misses nothing that it needs", async (role, email) => {
  const visit = await Visit.begin(email);
  for (const path of PAGES) {
    visit.answers.delete("agents.list");
    await visit.page.goto(`${stack.url}/${path}`);
    await visit.answered("agents.list");
    await visit.page.locator("#control-ui-main").waitFor({ timeout: 60_000 });
  }
  expect(visit.refused().filter((method) => !DISPENSABLE[role].includes(method))).toEqual([]);
  expect(visit.answers.get("chat.startup")).toBe("ok");
});

test("an admin's pages are refused nothing", async () => {
  const alice = await Visit.begin("alice@example.com");
  for (const path of ["logs", "channels", "nodes", "settings/advanced"]) {
    alice.answers.delete("config.get");
    await alice.page.goto(`${stack.url}/${path}`);
    await alice.answered("config.get");
  }
  expect(alice.refused()).toEqual([]);
});
