/** What the real Control UI makes of each of the gateway's answers (design section 5), in the real browser. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { startAgent } from "../../scripts/agent.ts";
import type { Child } from "../../scripts/keep-running.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { openSecrets } from "../../scripts/secrets.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { fromBase64Url, toBase64Url } from "../../worker/cookies/base64url.ts";
import { SessionCookies } from "../../worker/cookies/session-cookie.ts";
import { startBrowser } from "../support/browser.ts";
import { ChatPage } from "../support/chat-page.ts";
import { OBJECT_NAME } from "../support/local-gateway.ts";
import { screenshot } from "../support/screenshot.ts";

const COOKIE = "tidegate-default";
/** Long enough for the third try of a UI that goes on trying (0.8, 2.2, 4.5 s after the first). */
const QUIET_MS = 6_000;

let stack: Stack;
let browser: Browser;
let home: string;
let agent: Child | undefined;
let context: BrowserContext;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-expiry-"));
  browser = await startBrowser();
  stack = await startAll({
    port: await findFreePort(),
    home,
    stubUsers: "alice@example.com:admin,bob@example.com,carol@example.com",
    oidc: true,
    providerHost: "localhost",
  });
  await stack.ready;
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    for (const page of context.pages()) await screenshot(page, "failure-expiry", false).catch(() => undefined);
  }
  await context.close();
});

afterAll(async () => {
  await browser?.close();
  await agent?.stop();
  await stack?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

async function openChat(): Promise<ChatPage> {
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  return ChatPage.open(context, stack.url);
}

async function sessionCookie(): Promise<string> {
  const cookies = await context.cookies(stack.url);
  return cookies.find(({ name }) => name === COOKIE)?.value ?? "";
}

async function setCookie(value: string): Promise<void> {
  await context.addCookies([{ name: COOKIE, value, url: stack.url, httpOnly: true, sameSite: "Lax" }]);
}

function sessionIn(cookie: string): string {
  return toBase64Url(fromBase64Url(cookie)?.subarray(7, 23) ?? new Uint8Array());
}

/** The browser's cookie as it is once its time is over; the session at the object is left as it is. */
async function expireCookie(): Promise<void> {
  const cookies = new SessionCookies([openSecrets(home).sessionSecret]);
  const session = sessionIn(await sessionCookie());
  await setCookie(await cookies.seal("default", { session, shard: 0, expiresAt: Math.floor(Date.now() / 1000) - 1 }));
}

/** Ends the page's session at the object, and leaves the browser its cookie: so does a session's own end. */
async function endSession(reason: "signed_out" | "revoked"): Promise<void> {
  const object = await stack.edge.tenantObject(OBJECT_NAME);
  await object.endSession({ tenant: "default", settings: "" }, sessionIn(await sessionCookie()), reason);
}

/** Whom the provider knows in this browser is forgotten there. */
async function leaveProvider(): Promise<void> {
  for (const { name } of await context.cookies(stack.url)) {
    if (name.startsWith("_")) await context.clearCookies({ name });
  }
}

test("nobody signed in: a navigation leads to sign-in, a part of a page gets 401 and is never kept", async () => {
  const chat = await openChat();
  await chat.signIn("alice");
  // A document under the UI's service worker in which none of the UI's own scripts runs.
  await chat.page.goto(`${stack.url}/favicon-32.png`);
  await context.clearCookies({ name: COOKIE });
  const part = await chat.request("GET", "/assets/never-seen.js");
  expect([part.status, part.headers["content-type"]]).toEqual([401, "application/problem+json"]);
  expect(part.headers["cache-control"]).toBe("no-store");
  const kept = await chat.page.evaluate(() => caches.match("/assets/never-seen.js").then((found) => found ?? null));
  expect(kept).toBeNull();
  expect((await chat.request("HEAD", "/control-ui-config.json")).type).toBe("opaqueredirect");
  expect(await chat.request("HEAD", "/chat/main")).toMatchObject({ status: 200, text: "" });
  await leaveProvider();
  await chat.page.goto(`${stack.url}/chat/main?openclaw_mount_recovery=1`);
  expect(new URL(chat.page.url()).origin).toBe(stack.provider?.issuer);
  await chat.signInHere("alice");
  expect(new URL(chat.page.url()).pathname).toBe("/chat/main");
  expect(chat.page.url()).not.toContain("mount_recovery");
});

test("an upgrade without a cookie is 401", async () => {
  await openChat();
  const socket = new WebSocket(stack.url.replace("http", "ws"), { headers: { origin: stack.url } });
  const status = await new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    socket.on("open", () => reject(new Error("it was let in")));
  });
  expect(status).toBe(401);
});

test("a session that ends leads to sign-in by itself, twice in one tab, and the draft is there afterwards", async () => {
  const chat = await openChat();
  await chat.signIn("alice");
  await chat.composer.fill("a thought that is not finished");
  for (let round = 1; round <= 2; round++) {
    await leaveProvider();
    const [sockets, connections] = [chat.sockets, chat.connections];
    await endSession("signed_out");
    await chat.page.getByPlaceholder("Enter any login").waitFor({ timeout: 30_000 });
    // One that hears why; at most one more before it has gone.
    expect(chat.sockets - sockets).toBeLessThanOrEqual(2);
    await chat.signInHere("alice");
    await chat.connected(connections + 1);
    await expect.poll(() => chat.composer.inputValue(), { timeout: 30_000 }).toBe("a thought that is not finished");
  }
});

test("where the provider still knows the person, they are back without doing anything, and so is the draft", async () => {
  const chat = await openChat();
  await chat.signIn("alice");
  await chat.composer.fill("half a question");
  const { connections, navigations } = chat;
  await expireCookie();
  // What expiry does at the object: its sockets end.
  await endSession("signed_out");
  await chat.connected(connections + 1);
  expect(chat.navigations).toBeGreaterThan(navigations);
  await expect.poll(() => chat.composer.inputValue(), { timeout: 30_000 }).toBe("half a question");
});

test("a session that was revoked: the page stops, says so, and does not knock again", async () => {
  const chat = await openChat();
  await chat.signIn("bob");
  const { sockets } = chat;
  await endSession("revoked");
  // The UI's own words, or ours: the part that holds its words may not have been loaded before the end.
  const words = /proxy authentication required|you were signed out/i;
  await chat.page.getByText(words).first().waitFor({ timeout: 30_000 });
  expect(chat.sockets - sockets).toBeLessThanOrEqual(2);
  await expect(chat.page.waitForEvent("websocket", { timeout: QUIET_MS })).rejects.toThrow(/Timeout/);
});

test("an expired page is renewed without a sign: same tab, same person, and the chat goes on", async () => {
  const chat = await openChat();
  await chat.signIn("alice");
  await chat.composer.fill("still here");
  const { connections, navigations } = chat;
  await expireCookie();
  const expired = await sessionCookie();
  expect((await chat.request("GET", "/api/anything")).status).toBe(401);
  await expect.poll(sessionCookie, { timeout: 15_000 }).not.toBe(expired);
  await chat.connected(connections + 1);
  expect(chat.navigations).toBe(navigations);
  expect(await chat.page.getByText("Sign in to continue loading content").count()).toBe(0);
  const who = await (await context.request.get(`${stack.url}/_gate/session`)).json();
  expect(who).toMatchObject({ email: "alice@example.com", role: "admin" });
  expect(await chat.composer.inputValue()).toBe("still here");
  await chat.say("who am I?");
  await chat.page.getByText("You are alice@example.com").first().waitFor({ timeout: 60_000 });
});

test("bob, signed in at the provider by now, is not let into alice's page; sign-in asks who it is", async () => {
  const bobs = await openChat();
  await bobs.signIn("bob");
  const known = (await context.cookies(stack.url)).filter(({ name }) => name.startsWith("_"));
  await context.close();
  const chat = await openChat();
  await chat.signIn("alice");
  await leaveProvider();
  await context.addCookies(known);
  await expireCookie();
  const expired = await sessionCookie();
  const { connections } = chat;
  await chat.request("GET", "/api/anything");
  // The UI says so; or, when the part that says it was not loaded before, reloads, and the provider asks.
  const dialog = chat.page.getByText("Sign in to continue loading content");
  const form = chat.page.getByPlaceholder("Enter any login");
  await dialog.or(form).first().waitFor({ state: "visible", timeout: 30_000 });
  expect(await sessionCookie()).toBe(expired);
  expect(chat.connections).toBe(connections);
  await chat.page.goto(`${stack.url}/chat/main`);
  await form.waitFor();
});

test("where the assistant cannot be told who somebody is, the page says so, and comes back by itself", async () => {
  await (await openChat()).signIn("alice");
  await context.close();
  const users = join(stack.workspace, "users");
  renameSync(users, `${users}.away`);
  writeFileSync(users, "");
  const chat = await openChat();
  try {
    await chat.page.goto(`${stack.url}/`);
    await chat.page.getByPlaceholder("Enter any login").fill("carol");
    await chat.page.getByPlaceholder("and password").fill("any");
    await chat.page.getByRole("button", { name: "Sign-in" }).click();
    await chat.page.getByRole("button", { name: /^Continue to / }).click();
    await chat.frame(`"message":"the assistant could not be told who you are`);
    await chat.page.getByText("profile", { exact: false }).first().waitFor({ state: "visible", timeout: 30_000 });
    await screenshot(chat.page, "identity-untold", false);
  } finally {
    rmSync(users);
    renameSync(`${users}.away`, users);
  }
  await chat.connected(1);
});

test("a planned stop is told as a restart; while the agent is away the page waits, and comes back by itself", async () => {
  const chat = await openChat();
  await chat.signIn("alice");
  const { navigations, frames, connections } = chat;
  const from = frames.length;
  await stack.parts.agent?.stop();
  await chat.frame('"event":"shutdown"', from);
  await expect.poll(() => chat.closes(), { timeout: 30_000 }).toContain(1012);
  // Held for as long as it may, then told to come again: in the words of an OpenClaw that is starting.
  await chat.frame(`"message":"the assistant's computer is not connected"`, from);
  const visitor = await ChatPage.open(context, stack.url);
  await visitor.page.goto(`${stack.url}/chat/main`);
  await visitor.page.getByRole("heading", { name: /not connected/ }).waitFor();
  agent = startAgent(join(home, "agent"), openSecrets(home).gatewayPassword, () => {});
  await chat.connected(connections + 1);
  expect(chat.navigations).toBe(navigations);
  await visitor.composer.waitFor({ state: "visible", timeout: 60_000 });
});
