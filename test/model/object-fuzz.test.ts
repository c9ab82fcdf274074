import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { GROWTH_BYTES, heldBytes, INPUTS, SEED, TIMEOUT_MS } from "./budget.ts";
import { generator, hostileMessages } from "./mutations.ts";
import { installPlatform } from "./platform.ts";

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  installPlatform();
});
afterAll(() => {
  vi.useRealTimers();
});

test(
  `the object ends the connection that sent it, with a coded reason, and serves the next (${INPUTS.object} inputs, seed ${SEED})`,
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const { ObjectUnderFire } = await import("./object-under-fire.ts");
    const make = hostileMessages(generator(SEED));
    const target = await ObjectUnderFire.start();
    const before = heldBytes();
    for (let n = 0; n < INPUTS.object; n++) {
      await target.hit(make);
      if (n % 50_000 === 0) await target.mustServe();
    }
    await target.mustServe();
    expect(target.endings.size).toBeGreaterThan(8);
    for (const ending of target.endings.keys()) expect(ending).toMatch(/^4400 (?!internal)[a-z_]+$/);
    expect(heldBytes() - before).toBeLessThan(GROWTH_BYTES);
  },
);
