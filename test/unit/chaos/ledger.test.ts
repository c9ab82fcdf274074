/** The judge is judged: every planted fault must be found, and found as what it is. */
import { expect, test } from "vitest";
import { Chance } from "../../chaos/chance.ts";
import { BROWSER_DONE, Ledger, ORIGIN_DONE, Sequence } from "../../chaos/ledger.ts";
import { largeMessage, readMessage, textMessage } from "../../chaos/numbered-message.ts";

function received(sent: number, numbers: number[]): Sequence {
  const sequence = new Sequence();
  sequence.sent = sent;
  for (const number of numbers) sequence.receive(number);
  return sequence;
}

test.each([
  ["all in order", 3, [1, 2, 3], { missing: 0, repeated: 0, reordered: 0, underWay: 0 }],
  ["one passed over", 3, [1, 3], { missing: 1, repeated: 0, reordered: 0, underWay: 0 }],
  ["one late", 3, [1, 3, 2], { missing: 0, repeated: 0, reordered: 1, underWay: 0 }],
  ["one twice", 3, [1, 2, 2, 3], { missing: 0, repeated: 1, reordered: 0, underWay: 0 }],
  ["a late one twice", 3, [1, 3, 2, 2], { missing: 0, repeated: 1, reordered: 1, underWay: 0 }],
  ["the last ones on their way", 5, [1, 2], { missing: 0, repeated: 0, reordered: 0, underWay: 3 }],
])("%s", (_name, sent, numbers, verdict) => {
  const { missing, repeated, reordered, underWay } = received(sent, numbers);
  expect({ missing, repeated, reordered, underWay }).toEqual(verdict);
});

test("what was under way at a coded end is not lost, what was passed over is", () => {
  const ledger = new Ledger();
  const life = ledger.openLife();
  for (const number of [1, 3]) life.down.receive(number);
  life.down.sent = 5;
  life.browserEnd = { code: 1012, reason: "connection to the workspace lost", at: 0 };
  life.originEnd = { code: 1001, reason: "", at: 0 };
  ledger.settle(life);
  expect(ledger.counts.lost).toBe(1);
  expect(ledger.inFlight).toBe(2);
});

test.each([
  ["the browser says goodbye and the origin hears it", "up", BROWSER_DONE],
  ["the origin says goodbye and the browser hears it", "down", ORIGIN_DONE],
] as const)("%s: everything before must have arrived", (_name, direction, code) => {
  const ledger = new Ledger();
  const life = ledger.openLife();
  life[direction].sent = 2;
  life[direction].receive(1);
  const end = { code, reason: "", at: 0 };
  if (direction === "up") life.left = end;
  life.browserEnd = end;
  life.originEnd = end;
  ledger.settle(life);
  ledger.settle(life);
  expect(ledger.counts.lost).toBe(1);
  expect(ledger.inFlight).toBe(0);
  expect(ledger.clean).toBe(false);
});

test("a message says its number, and neither damage nor another stream's passes", () => {
  const chance = new Chance(7);
  const text = Buffer.from(textMessage(4, 9, chance));
  const large = Buffer.from(largeMessage(4, 10, chance));
  expect(readMessage(4, text)).toBe(9);
  expect(readMessage(4, large)).toBe(10);
  expect(readMessage(5, text)).toBeUndefined();
  expect(readMessage(5, large)).toBeUndefined();
  large[5_000] = (large[5_000] ?? 0) ^ 1;
  expect(readMessage(4, large)).toBeUndefined();
  expect(readMessage(4, Buffer.concat([text, Buffer.from("x")]))).toBeUndefined();
});

test("the same seed deals the same chances", () => {
  const deal = (seed: number) => {
    const chance = new Chance(seed);
    return Array.from({ length: 5 }, () => chance.between(0, 1_000));
  };
  expect(deal(1)).toEqual(deal(1));
  expect(deal(1)).not.toEqual(deal(2));
});
