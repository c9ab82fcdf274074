import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { GROWTH_BYTES, heldBytes, INPUTS, SEED, TIMEOUT_MS } from "./budget.ts";
import { generator, hostileMessages } from "./mutations.ts";
import { AgentUnderFire } from "./agent-under-fire.ts";

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterAll(() => {
  vi.useRealTimers();
});

test(
  `the agent ends the connection that sent it, with a coded reason, and serves the next (${INPUTS.agent} inputs, seed ${SEED})`,
  {
    timeout: TIMEOUT_MS,
  },
  () => {
    const make = hostileMessages(generator(SEED));
    const target = new AgentUnderFire();
    const before = heldBytes();
    for (let n = 0; n < INPUTS.agent; n++) {
      target.hit(make);
      if (n % 50_000 === 0) target.mustServe();
    }
    target.mustServe();
    expect(target.endings.size).toBeGreaterThan(8);
    for (const ending of target.endings.keys()) expect(ending).toMatch(/^4400 [a-z_]+$/);
    expect(heldBytes() - before).toBeLessThan(GROWTH_BYTES);
  },
);
