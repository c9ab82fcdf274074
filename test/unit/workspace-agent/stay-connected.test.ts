import { expect, test } from "vitest";
import { reconnectDelayMs } from "../../../workspace-agent/connection/backoff.ts";
import { type Ended, stayConnected } from "../../../workspace-agent/connection/stay-connected.ts";
import { silent } from "./support/peer.ts";

const lost: Ended = { code: 1006, reason: "", stable: false };
const longLived: Ended = { code: 1012, reason: "", stable: true };

/** Runs the loop over scripted endings, with chance at its highest. @returns the delays it slept */
async function delays(...endings: Ended[]) {
  const controller = new AbortController();
  const slept: number[] = [];
  const outcome = await stayConnected(
    {
      connectOnce: async (attempt) => endings[attempt - 1] ?? lost,
      sleep: async (delayMs) => {
        slept.push(delayMs);
        if (slept.length === endings.length) controller.abort();
      },
      random: () => 0.999_999,
      log: silent,
    },
    controller.signal,
  );
  return { outcome, slept };
}

test("the first retry is fast, later ones wait up to 30 s", async () => {
  const { slept } = await delays(lost, lost, lost, lost, lost, lost, lost);
  expect(slept).toEqual([999, 1999, 3999, 7999, 15999, 29999, 29999]);
});

test("a stable connection makes the next retry a first one", async () => {
  expect((await delays(lost, lost, longLived, lost)).slept).toEqual([999, 1999, 999, 999]);
});

test("a superseded agent stops", async () => {
  expect(await delays({ ...lost, code: 4409 })).toEqual({ outcome: "superseded", slept: [] });
});

test("the jitter is full", () => {
  expect(reconnectDelayMs(5, () => 0)).toBe(0);
});
