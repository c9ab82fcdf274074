import { expect, test } from "vitest";
import { SILENT_AFTER_MS } from "#protocol/limits.ts";
import { SilenceWatch } from "../../workspace-agent/connection/silence-watch.ts";
import { ManualClock } from "./support/manual-clock.ts";

const HALF_MS = SILENT_AFTER_MS / 2;

function watch() {
  const clock = new ManualClock();
  const wire = { received: 0, buffered: 0 };
  const told: string[] = [];
  const silence = new SilenceWatch({
    clock,
    receivedBytes: () => wire.received,
    bufferedBytes: () => wire.buffered,
    ping: () => void told.push("ping"),
    silent: () => void told.push("silent"),
  });
  return { clock, wire, told, silence };
}

test("a gateway that says nothing after a batch is asked after half the time, and given up after all of it", () => {
  const { clock, told, silence } = watch();
  silence.sent(100);
  clock.advance(HALF_MS - 1);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(["ping"]);
  clock.advance(HALF_MS - 1);
  expect(told).toEqual(["ping"]);
  clock.advance(1);
  expect(told).toEqual(["ping", "silent"]);
  expect(clock.pending).toBe(0);
});

test("more batches do not put that off", () => {
  const { clock, told, silence } = watch();
  for (let sent = 0; sent < 10; sent++) {
    silence.sent(100);
    clock.advance(SILENT_AFTER_MS / 10);
  }
  expect(told).toEqual(["ping", "silent"]);
});

test("any message is an answer, and then there is no timer", () => {
  const { clock, told, silence } = watch();
  silence.sent(100);
  clock.advance(HALF_MS);
  silence.heard();
  clock.advance(HALF_MS);
  expect(told).toEqual(["ping"]);
  expect(clock.pending).toBe(0);
});

test("what is sent after an answer has its own time, with one timer at most", () => {
  const { clock, told, silence } = watch();
  silence.sent(100);
  clock.advance(HALF_MS - 100);
  silence.heard();
  silence.sent(100);
  expect(clock.pending).toBe(1);
  clock.advance(HALF_MS - 1);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(["ping"]);
});

test("a large message that trickles in is a sign of life", () => {
  const { clock, wire, told, silence } = watch();
  silence.sent(100);
  for (let step = 0; step < 20; step++) {
    wire.received += 1;
    clock.advance(HALF_MS - 1);
  }
  expect(told).not.toContain("silent");
});

test("bytes that leave a full buffer are a sign of life; bytes that find room in one are not", () => {
  const { clock, wire, told, silence } = watch();
  wire.buffered = 1_000_000;
  silence.sent(1_000_000);
  clock.advance(HALF_MS);
  for (let step = 0; step < 5; step++) {
    wire.buffered -= 100_000;
    clock.advance(HALF_MS);
  }
  expect(told).toEqual(["ping"]);
  wire.buffered = 0;
  clock.advance(HALF_MS);
  silence.sent(5_000);
  clock.advance(HALF_MS);
  expect(told.at(-1)).toBe("silent");
});

test("after a stop it says nothing", () => {
  const { clock, told, silence } = watch();
  silence.sent(100);
  silence.stop();
  expect(clock.pending).toBe(0);
  clock.advance(SILENT_AFTER_MS);
  expect(told).toEqual([]);
});
