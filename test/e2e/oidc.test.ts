/** One person's journey through a real provider, in a real browser, into OpenClaw and out again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { passNotice } from "../support/notice.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

let stack: Stack;
let browser: Browser;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-oidc-"));
  const found = await findChromium(".tidegate");
  stack = await startAll({
    port: await findFreePort(),
    home,
    stubUsers: "alice@example.com:admin,bob@example.com",
    oidc: true,
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

async function signInAtProvider(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

test("alice signs in at the provider, is known to the assistant, and signs out at both ends", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${stack.url}/`);
  expect(new URL(page.url()).origin).toBe(stack.provider?.issuer);
  await signInAtProvider(page, "alice");
  const composer = page.locator("textarea:visible").first();
  await passNotice(page, composer);
  expect(new URL(page.url()).origin).toBe(stack.url);
  const names = (await context.cookies(stack.url)).map(({ name }) => name);
  expect(names).toContain("tidegate-default");
  expect(names.filter((name) => name.includes("attempt"))).toEqual([]);

  await page.goto(`${stack.url}/_gate`);
  await page.getByText("alice@example.com").waitFor();
  await page.getByRole("button", { name: "Sign out of this browser" }).click();
  // By a page of ours and not by the form's own redirect, which its Content-Security-Policy would stop.
  await page.waitForURL(`${stack.provider?.issuer}/**`);
  expect([...new URL(page.url()).searchParams.keys()]).toContain("id_token_hint");
  await page.getByRole("button", { name: /yes/i }).click();
  await page.waitForURL(`${stack.url}/_gate/signed-out**`);
  assertNotBlank(await screenshot(page, "signed-out"));

  await page.goto(`${stack.url}/`);
  await page.getByPlaceholder("Enter any login").waitFor();
});

test("alice signs out at the provider, and her open chat here ends with that", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${stack.url}/`);
  await signInAtProvider(page, "alice");
  await page.locator("textarea:visible").first().waitFor({ state: "visible", timeout: 60_000 });
  const chat = new Promise<void>((resolve) => page.once("framenavigated", () => resolve()));

  const elsewhere = await context.newPage();
  await elsewhere.goto(`${stack.provider?.issuer}/session/end`);
  await elsewhere.getByRole("button", { name: /yes/i }).click();
  await elsewhere.getByText("Signed out of the development provider").waitFor();

  // Nobody touches the page: its socket was closed, and it asks to sign in again by itself.
  await chat;
  await page.getByPlaceholder("Enter any login").waitFor();
  const answer = await context.request.get(`${stack.url}/_gate/session`);
  expect(answer.status()).toBe(401);
});

test("who is not on the list, or comes back too late, is told so on a page", async () => {
  const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  const answer = await page.goto(`${stack.url}/_gate/callback/oidc?code=x&state=AAAAAAAAAAA.${"A".repeat(32)}`);
  expect(answer?.status()).toBe(400);
  await page.getByText("This sign-in is over").waitFor();
  assertNotBlank(await screenshot(page, "attempt-expired"));
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByPlaceholder("Enter any login").waitFor();
});
