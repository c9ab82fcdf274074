import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { MAX_BROWSER_BUFFER_BYTES } from "#protocol/limits.ts";
import { installPlatform } from "./platform.ts";
import type { ModelBrowser, World } from "./world.ts";

const STALL_MS = 30_000;
const MIB = 1024 * 1024;

let world: World;
beforeAll(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  installPlatform();
});
afterAll(() => {
  vi.useRealTimers();
});
beforeEach(async () => {
  vi.clearAllTimers();
  vi.setSystemTime(Date.UTC(2026, 0, 1));
  const { World } = await import("./world.ts");
  world = await World.start();
});

function browser(at: number): ModelBrowser {
  const found = world.browsers[at];
  if (found === undefined) throw new Error("no such browser");
  return found;
}

/** What this browser has not taken, as the platform tells it. */
function leaveUnread(at: number, bytes: number): void {
  const server = browser(at).socket?.other;
  if (server === undefined || server === null) throw new Error("not connected");
  server.bufferedAmount = bytes;
}

async function originSays(at: number): Promise<void> {
  world.originSays(at, 30);
  await world.deliverAll();
}

test("a browser that leaves more than 8 MiB unread is closed at the next message, the other is not", async () => {
  leaveUnread(0, MAX_BROWSER_BUFFER_BYTES + 1);
  await originSays(0);
  expect(browser(0).closed).toEqual({ code: 1013, reason: "reading too slowly" });
  await originSays(1);
  expect(browser(1).closed).toBeNull();
  await world.deliverAll();
  expect(world.origins.get("b0")?.at(-1)?.isOpen).toBe(false);
});

test("a browser that takes nothing for thirty seconds is closed, one that takes a little is not", async () => {
  for (const at of [0, 1]) {
    leaveUnread(at, 1000);
    await originSays(at);
  }
  for (let passed = 0; passed <= STALL_MS + 1_000; passed += 500) {
    leaveUnread(1, 1000 - passed / 500);
    await world.pass(500);
    await world.deliverAll();
  }
  expect(browser(0).closed).toEqual({ code: 1013, reason: "reading too slowly" });
  expect(browser(1).closed).toBeNull();
});

test("when browsers together leave more than 32 MiB unread, the one with most of it goes", async () => {
  // Each below its own bound, all together above that of the object.
  for (let at = 2; at < 6; at++) await world.openBrowser();
  await world.deliverAll();
  const slowest = 3;
  for (let at = 0; at < 6; at++) {
    leaveUnread(at, at === slowest ? 8 * MIB : 5 * MIB);
    // More than a window of bytes each, so that they count as on their way; large ones are pulled one at a time.
    for (let n = 0; n < 3; n++) world.originSays(at, 100_000);
  }
  await world.deliverAll();
  await world.pass(60);
  await world.deliverAll();
  const closed = world.browsers.filter((one) => one.closed !== null);
  expect(closed.every((one) => one.closed?.code === 1013)).toBe(true);
});

test("a large message waits in one browser, and the other gets its own all the same", async () => {
  leaveUnread(0, 4 * MIB);
  world.originSays(0, 300_000);
  await world.deliverAll();
  world.originSays(1, 300_000);
  await world.deliverAll();
  expect(browser(1).received.at(-1)).toContain("300000");
});
