/** Every own page in a real browser whose scripts are off: light and dark, wide and narrow, by keyboard. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { screenshot } from "../support/screenshot.ts";

interface EveryPage {
  everyPage(words: object): Record<string, () => Promise<Response>>;
  USUAL: Record<string, string>;
}
/** Belongs to the Worker's types, so it is imported by a name that the compiler does not follow here. */
const MODULE: string = "../unit/worker/pages/every-page.ts";

/** One of each kind; the others differ in their words. */
const KINDS = [
  ["welcome", "Before you start"],
  ["index", "Your session"],
  ["chooser", "Sign in"],
  ["denied", "You are not on the list"],
  ["signed-out", "You are signed out"],
  ["away", "The assistant's computer is not connected"],
  ["provider-down", "The sign-in service does not answer"],
  ["attempt-expired", "This sign-in is over"],
  ["identity-conflict", "This e-mail is taken"],
  ["rate-limited", "Too many requests"],
] as const;
/** Kept in docs. */
const SHOWN = new Set(["welcome-light", "chooser-light", "away-dark", "signed-out-dark"]);
const LOOKS = [
  { scheme: "light", width: 1280, height: 800 },
  { scheme: "dark", width: 1280, height: 800 },
  { scheme: "light", width: 360, height: 740 },
  { scheme: "dark", width: 360, height: 740 },
] as const;

/** What the pages' own policy stopped. */
const blocked: string[] = [];
let browser: Browser;
let server: Server;
let url: string;
let pages: Record<string, () => Promise<Response>>;

beforeAll(async () => {
  const { everyPage, USUAL } = (await import(MODULE)) as EveryPage;
  // A name and an address that no layout is made for.
  const long = Object.fromEntries(Object.entries(USUAL).map(([word, text]) => [word, `${text}${"w".repeat(120)}`]));
  const made = { "": everyPage(USUAL), "/long": everyPage(long) };
  pages = made[""];
  server = createServer((request, response) => {
    const [, folder = "", name = ""] = /^(\/long)?\/(.*)$/.exec(request.url ?? "") ?? [];
    const make = made[folder as keyof typeof made]?.[name];
    if (make === undefined) return void response.writeHead(404).end();
    void make().then(async (answer) => {
      // What leads on by itself would leave the page under test.
      const text = (await answer.text()).replace(/<meta http-equiv="refresh"[^>]*>/, "");
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

async function open(address: string, look: (typeof LOOKS)[number]): Promise<Page> {
  const { scheme, width, height } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    javaScriptEnabled: false,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A policy that blocks our own style would say so here; an icon is asked for by the browser alone.
    if (message.type() === "error" && /Content Security Policy/.test(message.text())) blocked.push(message.text());
  });
  await page.goto(url + address);
  return page;
}

test.each(LOOKS)("every kind of page can be read in $scheme at $width", async (look) => {
  for (const [name, heading] of KINDS) {
    const page = await open(`/${name}`, look);
    await page.getByRole("main").getByRole("heading", { level: 1, name: heading }).waitFor();
    await page.getByRole("contentinfo").waitFor();
    const folder = SHOWN.has(`${name}-${look.scheme}`) && look.width === 1280 ? "page" : "look";
    await screenshot(
      page,
      `${folder}-${name}-${look.scheme}${look.width === 1280 ? "" : "-narrow"}`,
      folder === "page",
    );
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(look.scheme === "light" ? "rgb(238, 243, 241)" : "rgb(13, 20, 19)");
    await page.context().close();
  }
  expect(blocked).toEqual([]);
});

test("no page is wider than a small phone, whatever it has to show", async () => {
  for (const name of Object.keys(pages)) {
    for (const folder of ["", "/long"]) {
      const page = await open(`${folder}/${name}`, { ...LOOKS[2], width: 320 as 360, height: 600 as 740 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width, `${folder}/${name}`).toBeLessThanOrEqual(320);
      await page.context().close();
    }
  }
});

test("the keyboard reaches everything that can be operated, in reading order, and shows where it is", async () => {
  for (const [name] of KINDS) {
    const page = await open(`/${name}`, LOOKS[0]);
    const count = await page.locator("main :is(a, button, input:not([type=hidden]))").count();
    const seen: number[] = [];
    for (let at = 0; at < count; at++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const { outlineStyle, outlineWidth, display } = getComputedStyle(element);
        const { top, height } = element.getBoundingClientRect();
        return { tag: element.tagName, ring: `${outlineStyle} ${outlineWidth}`, top, height, display };
      });
      expect(focused.tag, name).toMatch(/^(A|BUTTON|INPUT)$/);
      expect(focused.ring, name).toBe("solid 3px");
      // WCAG 2.2, 2.5.5: what a finger is to hit; links inside a sentence are excepted.
      if (focused.display !== "inline") expect(focused.height, name).toBeGreaterThanOrEqual(44);
      seen.push(focused.top);
    }
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    await page.context().close();
  }
});
