/** Time from a navigation to a chat that can be used: straight at OpenClaw and through Tidegate, in turns, in one browser. */
import { cpus, loadavg } from "node:os";
import type { Browser, BrowserContext } from "playwright-core";
import { findFreePort } from "../scripts/ports.ts";
import { openSecrets } from "../scripts/secrets.ts";
import { startAll } from "../scripts/stack.ts";
import { startBrowser } from "../test/support/browser.ts";
import { startHeaderProxy } from "./header-proxy.ts";
import { summaryOf, type Load, type PageLoadResult, type Target } from "./page-load-summary.ts";

const PERSON = "bob@example.com";
/** As the agent sends them for a user. */
const SCOPES = "operator.read,operator.write,operator.questions";
const AGENT_ADDRESS = "127.77.0.1";
const VIEW = { viewport: { width: 1280, height: 800 } };
const USABLE_MS = 60_000;
/** The UI asks for some things again and again. */
const IDLE_MS = 4_000;

/** Runs before the page: notes when OpenClaw has let it in, and when the composer can be typed in. */
const WATCH = `
  let helloAt, composerAt;
  const done = () => { if (helloAt && composerAt) console.debug("usable " + JSON.stringify({ helloAt, composerAt })); };
  globalThis.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", ({ data }) => {
        if (helloAt || typeof data !== "string" || !data.includes('"hello-ok"')) return;
        helloAt = performance.now();
        done();
      });
    }
  };
  const look = setInterval(() => {
    const composer = [...document.querySelectorAll("textarea")].find((found) => found.offsetParent !== null);
    if (!composer || composer.disabled) return;
    clearInterval(look);
    composerAt = performance.now();
    done();
  }, 5);
`;

export interface PageLoadOptions {
  home: string;
  rounds: number;
  onPhase: (line: string) => void;
  onStarted: (stop: () => Promise<void>) => void;
}

export async function runPageLoad(options: PageLoadOptions): Promise<PageLoadResult> {
  const stops: (() => unknown)[] = [];
  options.onStarted(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  const port = await findFreePort();
  const stack = await startAll({ port, home: options.home, stubUsers: `alice@example.com:admin,${PERSON}` });
  stops.push(() => stack.stop());
  const browser = await startBrowser();
  stops.push(() => browser.close());
  await stack.ready;
  const headers = {
    [openSecrets(options.home).userHeader]: PERSON,
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": `localhost:${port}`,
    "x-openclaw-scopes": SCOPES,
    origin: stack.url,
  };
  const originPort = stack.parts.openclaw?.current.port ?? 0;
  const proxy = await startHeaderProxy({ originPort, localAddress: AGENT_ADDRESS, headers });
  stops.push(proxy.stop);
  const second = await startHeaderProxy({
    originPort: Number(new URL(proxy.url).port),
    localAddress: "127.0.0.1",
    headers: {},
  });
  stops.push(second.stop);
  options.onPhase("ready");
  const cookie = await signIn(browser, stack.url);
  const urls: Record<Target, string> = { direct: proxy.url, twoProxies: second.url, tidegate: stack.url };
  const loads: Load[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const targets: Target[] = ["direct", "tidegate", "twoProxies"];
    if (round % 2 === 1) targets.reverse();
    for (const target of targets) {
      const both = await loadTwice(browser, target, urls[target], cookie, round);
      // The first round finds every program cold, which is nobody's doing.
      if (round > 0) loads.push(...both);
    }
    options.onPhase(`round ${round} of ${options.rounds}`);
  }
  return { conditions: conditionsOf(options.rounds), ...summaryOf(loads), loads };
}

/** In a new browser profile, then again in what that one has kept. */
async function loadTwice(
  browser: Browser,
  target: Target,
  url: string,
  cookie: string,
  round: number,
): Promise<Load[]> {
  const context = await browser.newContext(VIEW);
  try {
    const [name = "", value = ""] = cookie.split("=", 2);
    if (target === "tidegate") await context.addCookies([{ name, value, url, httpOnly: true, sameSite: "Lax" }]);
    const cold = await loadOnce(context, url);
    const warm = await loadOnce(context, url);
    return [
      { target, cache: "cold", round, ...cold },
      { target, cache: "warm", round, ...warm },
    ];
  } finally {
    await context.close();
  }
}

async function loadOnce(context: BrowserContext, url: string): Promise<Omit<Load, "target" | "cache" | "round">> {
  const page = await context.newPage();
  await page.addInitScript({ content: WATCH });
  let requests = 0;
  page.on("request", () => (requests += 1));
  // By the console: the page's own policy forbids what would wait inside it.
  const usable = page.waitForEvent("console", {
    predicate: (message) => message.text().startsWith("usable "),
    timeout: USABLE_MS,
  });
  await page.goto(`${url}/chat/main`, { waitUntil: "commit" });
  const said = (await usable).text().slice("usable ".length);
  const { helloAt, composerAt } = JSON.parse(said) as { helloAt: number; composerAt: number };
  // What it loads afterwards must not meet the next page: its own parts are in the cache only once they are there.
  await page.waitForLoadState("networkidle", { timeout: IDLE_MS }).catch(() => undefined);
  await page.close();
  return { usableMs: Math.max(helloAt, composerAt), helloMs: helloAt, composerMs: composerAt, requests };
}

/** Past the first visit's notice, too. @returns the session's cookie */
async function signIn(browser: Browser, url: string): Promise<string> {
  const context = await browser.newContext(VIEW);
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.getByRole("button", { name: /bob@example\.com/ }).click();
  await page.getByRole("button", { name: /^Continue to / }).click();
  await page.locator("textarea:visible").first().waitFor({ timeout: USABLE_MS });
  const [cookie] = (await context.cookies(url)).filter(({ name }) => name.startsWith("tidegate-"));
  await context.close();
  if (cookie === undefined) throw new Error("bob could not sign in");
  return `${cookie.name}=${cookie.value}`;
}

function conditionsOf(rounds: number): Record<string, unknown> {
  return {
    date: new Date().toISOString(),
    rounds,
    node: process.version,
    machine: { cores: cpus().length, cpu: cpus()[0]?.model.trim(), loadAverage: loadavg() },
    notes: [
      "Usable: OpenClaw has answered the page's connect (hello-ok) and the composer can be typed in; milliseconds since the navigation began, measured in the page.",
      "Direct is the same OpenClaw in the same mode behind the least proxy that the mode allows: one Node process that adds the headers. Token mode would be another program: another handshake and pairing.",
      "A second such proxy in a row shows what one hop through Node costs, so how much the first one flatters us.",
      "Cold is a new browser profile whose person is signed in; warm is a second tab in it. The three targets take turns, in changing order; the first round is not counted.",
      "Browser, OpenClaw, workerd, agent and proxies share the cores of one machine.",
    ],
  };
}
