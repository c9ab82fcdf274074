import { expect, test } from "vitest";
import { summaryOf, type Load } from "../../../bench/page-load-summary.ts";

const load = (target: Load["target"], cache: Load["cache"], round: number, usableMs: number): Load => ({
  target,
  cache,
  round,
  usableMs,
  helloMs: usableMs,
  composerMs: usableMs,
  requests: 1,
});

test("medians of each target, their ratio, and the ratio of neighbours in time", () => {
  const loads = [
    ...[100, 200, 300].map((ms, round) => load("direct", "cold", round, ms)),
    ...[110, 240, 330].map((ms, round) => load("tidegate", "cold", round, ms)),
    ...[90, 110].map((ms, round) => load("direct", "warm", round, ms)),
    ...[90, 110].map((ms, round) => load("tidegate", "warm", round, ms)),
  ];
  const { medians, ratios, goal } = summaryOf(loads);
  expect(medians).toMatchObject({ "cold direct ms": 200, "cold tidegate ms": 240, "warm direct ms": 100 });
  expect(ratios).toMatchObject({ cold: 1.2, "cold, median of rounds": 1.1, warm: 1 });
  expect(goal.met).toBe(false);
});
