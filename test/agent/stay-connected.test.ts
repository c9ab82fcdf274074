import { expect, test } from "vitest";
import { reconnectDelayMs } from "../../workspace-agent/connection/backoff.ts";
import { type Ended, stayConnected } from "../../workspace-agent/connection/stay-connected.ts";
import { silent } from "./support/peer.ts";

const lost: Ended = { code: 1006, reason: "", stable: false, proven: true };
const longLived: Ended = { code: 1012, reason: "", stable: true, proven: true };

/** Runs the loop over scripted endings, with chance at its highest. @returns the delays it slept */
async function delays(endings: Ended[], resumable = false) {
  const controller = new AbortController();
  const slept: number[] = [];
  const outcome = await stayConnected(
    {
      connectOnce: async (attempt) => endings[attempt - 1] ?? lost,
      canResume: () => resumable,
      wait: async (delayMs) => {
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
  const { slept } = await delays([lost, lost, lost, lost, lost, lost, lost]);
  expect(slept).toEqual([999, 1999, 3999, 7999, 15999, 29999, 29999]);
});

test("a stable connection makes the next retry a first one", async () => {
  expect((await delays([lost, lost, longLived, lost])).slept).toEqual([999, 1999, 999, 999]);
});

test("while a link waits to be resumed, no retry waits longer than 2 s", async () => {
  expect((await delays([lost, lost, lost, lost], true)).slept).toEqual([999, 1999, 1999, 1999]);
});

test("a gateway that has not proved its key cannot stop the agent", async () => {
  const fake = { ...lost, code: 4409, proven: false };
  expect(await delays([fake])).toEqual({ outcome: "stopped", slept: [999] });
});

test("a superseded agent stops", async () => {
  expect(await delays([{ ...lost, code: 4409 }])).toEqual({ outcome: "superseded", slept: [] });
});

test("the jitter is full", () => {
  expect(reconnectDelayMs(5, false, () => 0)).toBe(0);
});
