/** Token buckets of the tenant's object, with a clock of the test's own. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Limits } from "../../durable-objects/limits/limits.ts";
import { rateLimitFields } from "../../durable-objects/limits/rate-limit-fields.ts";
import { Seldom } from "../../durable-objects/audit/seldom.ts";
import { DEFAULT_SETTINGS } from "../../durable-objects/tenant-settings.ts";

function limitsWith(burst: number, perSecond: number) {
  let nowMs = 0;
  const settings = { ...DEFAULT_SETTINGS.limits, requests: { burst, perSecond } };
  const limits = new Limits(
    () => nowMs,
    () => settings,
  );
  return { limits, wait: (ms: number) => (nowMs += ms) };
}

test("in no stretch of time does a key get more than burst and rate allow, and a waiter always gets its token", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 200 }),
      (burst, perSecond, waits) => {
        const { limits, wait } = limitsWith(burst, perSecond);
        const taken: number[] = [];
        let at = 0;
        for (const ms of waits) {
          at = wait(ms);
          const exceeded = limits.spend("requests", "alice");
          if (exceeded === undefined) taken.push(at);
          else expect(exceeded.waitMs).toBeLessThanOrEqual(Math.ceil(1000 / perSecond));
        }
        for (const [first, from] of taken.entries()) {
          for (const [last, to] of taken.entries()) {
            if (last < first) continue;
            expect(last - first + 1).toBeLessThanOrEqual(burst + ((to - from) / 1000) * perSecond + 1e-6);
          }
        }
      },
    ),
  );
});

test("whoever waits as long as they are told has a token", () => {
  const { limits, wait } = limitsWith(3, 2);
  for (let taken = 0; taken < 3; taken++) expect(limits.spend("requests", "alice")).toBeUndefined();
  const exceeded = limits.spend("requests", "alice");
  wait(exceeded?.waitMs ?? 0);
  expect(limits.spend("requests", "alice")).toBeUndefined();
});

test("one who has used everything up takes nothing from another", () => {
  const { limits } = limitsWith(5, 1);
  for (let taken = 0; taken < 20; taken++) limits.spend("requests", "alice");
  for (let taken = 0; taken < 5; taken++) expect(limits.spend("requests", "bob")).toBeUndefined();
  expect(limits.spend("upgrades", "alice")).toBeUndefined();
});

test("a 429 says which limit it was, when there is room again, and in whole seconds", () => {
  const rate = { burst: 600, perSecond: 100 };
  expect(rateLimitFields({ name: "requests", rate, waitMs: 10 })).toEqual({
    "ratelimit-policy": '"requests";q=600;w=6',
    ratelimit: '"requests";r=0;t=1',
    "retry-after": "1",
  });
  expect(rateLimitFields({ name: "signInsOfAddress", rate, waitMs: 1_001 })).toMatchObject({
    ratelimit: '"sign-ins-of-address";r=0;t=2',
  });
});

test("what repeats itself is written once a minute", () => {
  let nowMs = 0;
  const seldom = new Seldom(() => nowMs);
  expect([seldom.admits("a"), seldom.admits("a"), seldom.admits("b")]).toEqual([true, false, true]);
  nowMs = 60_000;
  expect(seldom.admits("a")).toBe(true);
});
