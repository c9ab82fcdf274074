/** The window on simulated ways: full when the way is long, short when it is short, never stuck. */
import { describe, expect, test } from "vitest";
import { ACK_AFTER_BATCHES, ACK_AFTER_BYTES, MAX_UNACKNOWLEDGED_BYTES } from "#protocol/limits.ts";
import { SendWindow } from "../../workspace-agent/connection/send-window.ts";

const BATCH_BYTES = 64 * 1024;

interface Way {
  bytesPerMs: number;
  roundTripMs: number;
}

/** Sends all the time, as the window allows; the gateway acknowledges each 256 KiB. Time jumps from event to event. */
class Simulation {
  readonly window = new SendWindow();
  way: Way;
  nowMs = 0;
  delivered = 0;
  #events: { atMs: number; run: () => void }[] = [];
  #lineFreeMs = 0;
  #unacknowledged = 0;
  #batch = 0;
  #unacked = 0;
  /** Bytes that the application has; none: it has no end. */
  #supply = Number.POSITIVE_INFINITY;

  constructor(way: Way) {
    this.way = way;
  }

  supply(bytes: number): void {
    this.#supply = bytes;
    this.#send();
  }

  run(untilMs: number): void {
    this.#send();
    for (;;) {
      const [event] = this.#events.sort((one, other) => one.atMs - other.atMs);
      if (event === undefined || event.atMs > untilMs) break;
      this.#events.shift();
      this.nowMs = event.atMs;
      event.run();
      this.#send();
    }
    this.nowMs = untilMs;
  }

  #send(): void {
    while (this.#unacknowledged <= this.window.bytes && this.#supply >= BATCH_BYTES) {
      const batch = ++this.#batch;
      this.#supply -= BATCH_BYTES;
      this.#unacknowledged += BATCH_BYTES;
      this.window.sent(batch, BATCH_BYTES, this.nowMs);
      this.#lineFreeMs = Math.max(this.#lineFreeMs, this.nowMs) + BATCH_BYTES / this.way.bytesPerMs;
      this.#at(this.#lineFreeMs + this.way.roundTripMs / 2, () => this.#arrive(batch));
    }
  }

  #arrive(batch: number): void {
    this.delivered += BATCH_BYTES;
    this.#unacked += BATCH_BYTES;
    if (this.#unacked < ACK_AFTER_BYTES) return;
    const bytes = this.#unacked;
    this.#unacked = 0;
    this.#at(this.nowMs + this.way.roundTripMs / 2, () => {
      this.#unacknowledged -= bytes;
      this.window.acknowledged(batch, this.nowMs);
    });
  }

  #at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, run });
  }
}

describe.each([
  ["home uplink", { bytesPerMs: 1_250, roundTripMs: 30 }],
  ["office", { bytesPerMs: 12_500, roundTripMs: 20 }],
  ["other continent", { bytesPerMs: 12_500, roundTripMs: 150 }],
  ["data centre", { bytesPerMs: 125_000, roundTripMs: 10 }],
  ["loopback", { bytesPerMs: 150_000, roundTripMs: 1 }],
  ["slow line", { bytesPerMs: 62, roundTripMs: 100 }],
] satisfies [string, Way][])("%s", (_name, way) => {
  const simulation = new Simulation(way);
  simulation.run(20_000);
  const before = simulation.delivered;
  simulation.run(40_000);

  test("the way is used to at least nine tenths", () => {
    expect((simulation.delivered - before) / 20_000 / way.bytesPerMs).toBeGreaterThan(0.9);
  });

  test("what waits beyond the way's own content stays near the least", () => {
    const held = way.bytesPerMs * way.roundTripMs;
    expect(simulation.window.bytes).toBeLessThan(2 * held + 3 * ACK_AFTER_BYTES);
  });
});

test("a way that becomes faster and longer is filled again", () => {
  const simulation = new Simulation({ bytesPerMs: 1_250, roundTripMs: 10 });
  simulation.run(10_000);
  simulation.way = { bytesPerMs: 12_500, roundTripMs: 100 };
  simulation.run(60_000);
  const before = simulation.delivered;
  simulation.run(70_000);
  expect((simulation.delivered - before) / 10_000 / 12_500).toBeGreaterThan(0.9);
});

test("a trickle, whose acknowledgements come late, teaches nothing", () => {
  const simulation = new Simulation({ bytesPerMs: 12_500, roundTripMs: 20 });
  const first = simulation.window.bytes;
  for (let atMs = 0; atMs < 60_000; atMs += 1_000) {
    simulation.supply(BATCH_BYTES);
    simulation.run(atMs);
  }
  expect(simulation.window.bytes).toBe(first);
});

test("another connection starts anew, and numbers may go round", () => {
  const window = new SendWindow();
  const first = window.bytes;
  for (const batch of [0xffffffff, 0, 1]) window.sent(batch, ACK_AFTER_BYTES, 0);
  window.acknowledged(1, 5_000);
  expect(window.bytes).not.toBe(first);
  window.restart();
  expect(window.bytes).toBe(first);
});

test("the window stays between the least that is acknowledged and the wire's bound", () => {
  for (const [bytes, tookMs] of [
    [1e9, 1_000],
    [ACK_AFTER_BYTES, 1e6],
  ] as const) {
    const window = new SendWindow();
    for (let batch = 1; batch <= 50; batch++) {
      window.sent(batch, bytes, batch * tookMs);
      window.acknowledged(batch, (batch + 1) * tookMs);
    }
    // What the gateway counts leaves out message headers: 64 batches may pass before it acknowledges for their number.
    expect(window.bytes).toBeGreaterThan(ACK_AFTER_BYTES + 64 * ACK_AFTER_BATCHES);
    expect(window.bytes).toBeLessThanOrEqual(MAX_UNACKNOWLEDGED_BYTES);
  }
});
