/** The console in Chromium and on the command line: an administrator ends bob's session, and takes a token along. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { type LocalGateway, startLocalGateway } from "../support/local-gateway.ts";
import { assertNotBlank, screenshot } from "../support/screenshot.ts";

const home = mkdtempSync(join(tmpdir(), "tidegate-console-"));
let gateway: LocalGateway;
let browser: Browser;
let consoleUrl = "";

beforeAll(async () => {
  const consolePort = await findFreePort();
  consoleUrl = `http://localhost:${consolePort}`;
  const users = "alice@example.com:admin,bob@example.com";
  gateway = await startLocalGateway({ home, port: await findFreePort(), originPort: 1, consolePort, users });
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

async function openAs(email: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(consoleUrl);
  await page.getByRole("button", { name: email }).click();
  await page.getByRole("heading", { name: "Console", level: 1 }).waitFor();
  return page;
}

const statusAt = async (cookie: string) => {
  const response = await fetch(`${gateway.origin}/_gate/session`, { headers: { cookie } });
  return response.status;
};

/** Runs the command line with a folder of its own. */
function run(args: string[], input = ""): Promise<{ code: number | null; out: string; error: string }> {
  const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
  const child = spawn(process.execPath, [join(rootFolder, "scripts/tidegate.ts"), ...args], { env });
  let [out, error] = ["", ""];
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (error += String(chunk)));
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (exit) => resolve({ code: exit, out, error })));
}

test("an administrator sees everybody's sessions and ends bob's; his next request is refused", async () => {
  const bob = await gateway.signIn("bob@example.com");
  expect(await statusAt(bob)).toBe(200);
  const page = await openAs("alice@example.com");
  await page.getByRole("link", { name: "Sessions" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "bob@example.com" });
  await row.waitFor();
  assertNotBlank(await screenshot(page, "console-sessions"));
  await page.setViewportSize({ width: 360, height: 720 });
  await page.emulateMedia({ colorScheme: "dark" });
  assertNotBlank(await screenshot(page, "console-sessions-narrow", false));
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  await row.getByRole("button", { name: "End" }).click();
  await page.getByRole("heading", { name: "Console", level: 1 }).waitFor();
  expect(await statusAt(bob)).toBe(401);
  await page.getByRole("link", { name: "People" }).click();
  await page.getByRole("listitem").filter({ hasText: "bob@example.com" }).waitFor();
});

test("somebody who is no administrator sees their own sessions only, whatever they ask for", async () => {
  const page = await openAs("bob@example.com");
  expect(await page.getByRole("link", { name: "People" }).count()).toBe(0);
  expect((await page.goto(`${consoleUrl}/people`))?.status()).toBe(403);
  expect((await page.goto(`${consoleUrl}/sessions`))?.status()).toBe(403);
});

test("a token from the console works on the command line, is listed, and ends with sign-out", async () => {
  await gateway.signIn("bob@example.com");
  const page = await openAs("alice@example.com");
  await page.getByRole("button", { name: "New token for the command line" }).click();
  const token = (await page.locator("code.token").textContent()) ?? "";
  expect((await run(["me"])).code).toBe(1);
  const signedIn = await run(["sign-in", consoleUrl], `${token}\n`);
  expect([signedIn.code, signedIn.out]).toEqual([0, "signed in as alice@example.com (admin)\n"]);
  const kept = join(home, "config/tidegate/cli.json");
  expect(statSync(kept).mode & 0o777).toBe(0o600);
  const listed = JSON.parse((await run(["sessions", "list", "--json"])).out) as { kind: string; email: string }[];
  expect(listed.filter(({ kind }) => kind === "cli")).toMatchObject([{ email: "alice@example.com" }]);
  const person = JSON.parse((await run(["people", "list", "--json"])).out) as { key: string; email: string }[];
  const bob = person.find(({ email }) => email === "bob@example.com")?.key ?? "";
  expect((await run(["people", "revoke", bob])).out).toMatch(/^ended: [1-9]/);
  expect((await run(["people", "forget", "Bob@example.com"])).out).toMatch(/^forgotten; sessions ended: \d+\n$/);
  expect((await run(["people", "forget", "bob@example.com"])).error).toContain("nobody here has the address");
  expect((await run(["people", "forget", bob])).error).toContain("No such person");
  expect((await run(["people", "forget", "alice@example.com"])).error).toContain("cannot forget themselves");
  const trail = (await run(["audit", "export"])).out.trim().split("\n");
  expect(trail.map((line) => (JSON.parse(line) as { type: string }).type)).toContain("admin.cli_started");
  expect((await run(["agents", "token"])).out).toMatch(/^tge_[A-Za-z0-9_-]+\n$/);
  expect((await run(["agents", "list", "--json"])).out).toBe("[]\n");
  expect((await run(["agents", "rename", "nobody-here", "a", "name"])).error).toContain("No such agent");
  expect((await run(["agents", "revoke", "nobody-here"])).error).toContain("No such agent");
  expect((await run(["sessions", "revoke", "nonsense"])).code).toBe(1);
  expect((await run(["sessions", "frobnicate"])).code).toBe(2);
  expect((await run(["sign-out"])).out).toBe("signed out\n");
  expect(existsSync(kept)).toBe(false);
  const again = await run(["sign-in", consoleUrl], `${token}\n`);
  expect(again.code).toBe(1);
  expect(`${again.out}${again.error}`).not.toContain(token);
});
