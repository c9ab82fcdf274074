/** Plays one script and says what was wrong with how it ended; an empty list is a good run. */
import { vi } from "vitest";
import type { Step } from "./steps.ts";
import { type ModelBrowser, type ModelUpload, World } from "./world.ts";

const START = Date.UTC(2026, 0, 1);
/** How a socket that nobody closed may end: the link is lost, or part of a message went with the memory. */
const LOST = new Set([
  "1012 connection to the workspace lost",
  "1012 interrupted",
  "1012 stream reset",
  "1012 restarting",
  // More than a browser may have on its way at once, while nothing moves.
  "1013 sending too fast",
]);

export async function run(script: readonly Step[]): Promise<string[]> {
  vi.clearAllTimers();
  vi.setSystemTime(START);
  const world = await World.start();
  for (const step of script) {
    await play(world, step);
    await world.run();
  }
  await settle(world);
  const wrong = [
    ...world.wrong,
    ...world.uploads.flatMap((upload) => judgeUpload(world, upload)),
    ...world.browsers.flatMap((browser) => judge(world, browser)),
  ];
  await closeAll(world);
  for (const [name, origins] of world.origins) {
    const open = origins.filter(({ isOpen }) => isOpen).length;
    if (open > 0) wrong.push(`${name}: ${open} sockets left open at the origin`);
  }
  if (world.openStreams > 0) wrong.push(`${world.openStreams} streams left open at the agent`);
  return [...new Set([...wrong, ...world.wrong])];
}

async function play(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case "open":
      return world.openBrowser();
    case "upload":
      return world.upload(step.chunks);
    case "dial":
      return world.dial();
    case "restart":
      return world.restartAgent();
    case "evict":
      return world.evict();
    case "cut at agent":
      return world.cutAtAgent();
    case "tell object":
      return world.tellObject();
    case "cut":
      return world.cutBoth(step.keep);
    case "browser says":
      for (let n = 0; n < step.times; n++) await world.browserSays(step.who, step.size);
      return;
    case "origin says":
      for (let n = 0; n < step.times; n++) world.originSays(step.who, step.size);
      return;
    case "browser leaves":
      return world.browserLeaves(step.who);
    case "origin hangs up":
      return world.originHangsUp(step.who);
    case "to object":
      return world.deliver(true, step.count, step.newest);
    case "to agent":
      return world.deliver(false, step.count, step.newest);
    case "pass":
      return world.pass(step.ms);
  }
}

/** The network mends, and everything comes to its end. */
async function settle(world: World): Promise<void> {
  // Twice silent is silent: an acknowledgement waits for 50 ms, and may set something going.
  for (let rounds = 0, silent = 0; rounds < 12 && silent < 2; rounds++) {
    await world.tellObject();
    await world.dial();
    const before = world.events;
    await world.deliverAll();
    await world.pass(60);
    silent = world.events === before && world.isJoined ? silent + 1 : 0;
  }
}

async function closeAll(world: World): Promise<void> {
  for (const at of world.browsers.keys()) await world.browserLeaves(at);
  await settle(world);
  // Last words that nobody takes are given up after half a minute.
  await world.pass(31_000);
  await settle(world);
}

function judge(world: World, browser: ModelBrowser): string[] {
  const { name } = browser;
  if (browser.status === null) return world.excuses.size > 0 ? [] : [`${name}: its upgrade was never answered`];
  if (browser.socket === null)
    return browser.status === 503 || browser.status === 502 ? [] : [`${name}: ${browser.status}`];
  const origin = world.origins.get(name)?.at(-1);
  if (origin === undefined) return [`${name}: accepted, but never opened at the origin`];
  const wrong: string[] = [];
  const over = browser.closed !== null || browser.left;
  if (over === origin.isOpen) wrong.push(`${name}: ${over ? "closed" : "open"} here, not so at the origin`);
  // A browser that left has said all it had to say; only who was cut off has not.
  const cutOff = browser.closed !== null || origin.hungUp || world.excuses.size > 0;
  wrong.push(...compare(`${name} to origin`, browser.sent, origin.received, over && cutOff));
  const told = browser.closed?.code === 4001;
  wrong.push(...compare(`${name} from origin`, origin.sent, browser.received, over && !told));
  if (browser.closed !== null && !told) {
    const end = `${browser.closed.code} ${browser.closed.reason}`;
    if (!LOST.has(end)) wrong.push(`${name}: ended ${end}`);
    else if (world.excuses.size === 0) wrong.push(`${name}: ended ${end} without a reason`);
  }
  return wrong;
}

/** Every upload gets an answer; the right one, unless something happened that ends it. */
function judgeUpload(world: World, { bytes, answer }: ModelUpload): string[] {
  if (answer === null) return world.excuses.has("evicted while busy") ? [] : [`an upload of ${bytes} stands still`];
  if (answer === `200 ${bytes}`) return [];
  return world.excuses.size > 0 && /^50[23] /.test(answer) ? [] : [`an upload of ${bytes} was answered ${answer}`];
}

/** @param partial whether the end may be missing; a gap, a double or another order never may */
function compare(what: string, sent: readonly string[], received: readonly string[], partial: boolean): string[] {
  for (const [at, message] of received.entries()) {
    if (message !== sent[at]) return [`${what}: ${message} came, ${sent[at] ?? "nothing"} was due`];
  }
  return received.length === sent.length || partial ? [] : [`${what}: ${sent.length - received.length} lost`];
}
