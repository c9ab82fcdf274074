/** What people do in the Control UI, through the whole of Tidegate; journeys of other files: test/README.md. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startLaptop, type Laptop } from "../support/browser.ts";
import type { ChatPage } from "../support/chat-page.ts";
import { Journeys, VIEW } from "../support/journeys.ts";
import { noisyPng } from "../support/noisy-png.ts";

const SLEEP_MS = 60_000;

let journeys: Journeys;
let laptop: Laptop;
/** Falls asleep before the first test and wakes in the last one, so that a minute of sleep costs no minute. */
let sleeper: { chat: ChatPage; document: number; since: number };

beforeAll(async () => {
  [journeys, laptop] = await Promise.all([Journeys.start(), startLaptop()]);
  const chat = await journeys.visitIn(await laptop.browser.newContext(VIEW), "alice@example.com");
  await chat.openNewSession();
  await chat.say("long story 900");
  await chat.shows("word9 ");
  journeys.hush();
  sleeper = { chat, document: await chat.document(), since: Date.now() };
  laptop.sleep();
  journeys.speak();
});

afterEach(({ task }) => journeys.leave(task.result?.state === "fail" ? task.name.replaceAll(/\W+/g, "-") : undefined));

afterAll(async () => {
  await laptop?.stop();
  await journeys?.stop();
});

test("ten megabytes go up with a message, and its picture comes down again, after a reload too", async () => {
  const bob = await journeys.visit("bob@example.com");
  const { page } = bob;
  await bob.openNewSession();
  const picture = noisyPng(600, 400);
  const pictures: Promise<Buffer>[] = [];
  page.on("response", (response) => {
    if (response.headers()["content-type"] === "image/png" && response.url().includes("media")) {
      pictures.push(response.body());
    }
  });
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles([
      { name: "tide.png", mimeType: "image/png", buffer: picture },
      { name: "tables.txt", mimeType: "text/plain", buffer: Buffer.alloc(10_000_000, "high water 04:12\n") },
    ]);
  await bob.say("what do these say?");
  await bob.shows("[media attached 2/2:");
  for (const round of [1, 2]) {
    await page.waitForFunction(() => {
      const images = [...document.querySelectorAll<HTMLImageElement>("main img")];
      return images.some(({ src, naturalWidth }) => src.includes("mediaTicket") && naturalWidth === 600);
    });
    expect(pictures.length).toBeGreaterThanOrEqual(round);
    expect((await pictures.at(-1))?.equals(picture)).toBe(true);
    if (round === 1) await bob.reload();
  }
  await bob.shows("9.5 MB");
  await journeys.picture(bob, "attachment");
});

test("a session is begun, renamed, archived and deleted by a user", async () => {
  const bob = await journeys.visit("bob@example.com");
  const { page } = bob;
  await bob.openNewSession();
  await bob.say("when is high water?");
  await bob.shows("Demo model: when is high water?");
  // OpenClaw names it after the first answer.
  await page.getByRole("button", { name: "Rename session Demo session" }).click();
  await page.getByRole("textbox", { name: "Session title" }).fill("Spring tide");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Spring tide" }).waitFor();
  await journeys.picture(bob, "session-renamed");

  await page.getByRole("button", { name: "Actions for Spring tide" }).click();
  await page.getByRole("menuitem", { name: "Archive session" }).click();
  await page.getByRole("link", { name: "Spring tide" }).waitFor({ state: "detached" });

  await bob.open("/sessions");
  await page.getByText("Archived", { exact: true }).click();
  const row = page.getByRole("row", { name: /Spring tide/ });
  await row.getByRole("button", { name: "Open session menu" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await row.waitFor({ state: "detached" });
  await journeys.picture(bob, "session-deleted");
});

test("settings: a user is told what it takes, and nothing can be changed", async () => {
  const bob = await journeys.visit("bob@example.com");
  await bob.open("/logs");
  await bob.shows("missing scope: operator.admin");
  await journeys.picture(bob, "settings-user-refused");
  await bob.open("/settings/advanced");
  const switches = bob.page.locator("#control-ui-main").getByRole("switch");
  await switches.first().waitFor();
  expect(await switches.count()).toBeGreaterThan(100);
  expect(await switches.evaluateAll((all) => all.every((one) => (one as HTMLInputElement).disabled))).toBe(true);
});

test("settings: what an admin switches is in OpenClaw's own configuration", async () => {
  const alice = await journeys.visit("alice@example.com");
  await alice.open("/settings/advanced");
  const trace = alice.page.locator("#control-ui-main").getByRole("switch").nth(0);
  await trace.click({ force: true });
  const configuration = () => readFileSync(journeys.stack.parts.openclaw?.current.configPath ?? "", "utf8");
  await expect.poll(configuration, { timeout: 30_000 }).toMatch(/"cacheTrace":\s*\{\s*"enabled": true/);
  await journeys.picture(alice, "settings-admin");
  // What keeps strangers out is still there.
  expect(configuration()).toMatch(/"trustedProxies":\s*\[\s*"127\.77\.0\.1"/);
  await alice.open("/chat/main");
  await alice.say("still here?");
  await alice.shows("Demo model: still here?");
});

test("two tabs of one person show the same chat as it goes on", async () => {
  const one = await journeys.visit("bob@example.com");
  await one.openNewSession();
  await one.say("the first tab speaks");
  await one.shows("Demo model: the first tab speaks");
  const two = await journeys.newTab(one.page.context());
  await two.open(new URL(one.page.url()).pathname);
  await two.shows("Demo model: the first tab speaks");
  await two.say("long story 200");
  await Promise.all([one.shows("word20 "), two.shows("word20 ")]);
  await Promise.all([one.shows("word200"), two.shows("word200")]);
  await journeys.picture(one, "two-tabs");
});

test("a page reloaded in mid-answer tells it on, to its end", async () => {
  const bob = await journeys.visit("bob@example.com");
  await bob.openNewSession();
  await bob.say("long story 300");
  await bob.shows("word20 ");
  journeys.hush();
  await bob.reload();
  await bob.shows("word20 ");
  expect(await bob.text()).not.toContain("word300");
  await journeys.picture(bob, "reloaded-in-mid-answer");
  journeys.speak();
  await bob.shows("word300");
  expect((await bob.text()).match(/word299 /g)).toHaveLength(1);
});

test("a computer that slept for a minute shows the answer that went on, and goes on itself", async () => {
  const { chat, document, since } = sleeper;
  // The minute itself; the tests before this one have mostly used it up.
  await sleep(Math.max(0, since + SLEEP_MS - Date.now()));
  laptop.wake();
  await chat.shows("word900");
  await chat.say("who am I?");
  await chat.shows("You are alice@example.com");
  expect(await chat.document()).toBe(document);
  await journeys.picture(chat, "slept-for-a-minute");
});
