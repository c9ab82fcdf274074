import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { OutboundCredit } from "../../durable-objects/relay/outbound-credit.ts";
import { AgentLink } from "../../durable-objects/tunnel/agent-link.ts";
import { HeldLinks } from "../../durable-objects/tunnel/held-links.ts";
import { Streams } from "../../workspace-agent/streams/streams.ts";
import { Link, type Send } from "#protocol/link.ts";
import { SEED } from "./budget.ts";
import { installPlatform } from "./platform.ts";
import { type Step, steps } from "./steps.ts";

/** Tests of the test: each fault is put into the real code, and a model that does not see it is worth nothing. */
const RUNS = 30_000;

let run: (script: Step[]) => Promise<string[]>;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  installPlatform();
  ({ run } = await import("./run.ts"));
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  vi.useRealTimers();
});

const FAULTS: [name: string, plant: () => void][] = [
  [
    "batches that were not acknowledged are not sent again",
    () => {
      const own = Link.prototype.reconnect;
      vi.spyOn(Link.prototype, "reconnect").mockImplementation(function (this: Link, send: Send) {
        let replaying = true;
        own.call(this, (message) => {
          if (!replaying) send(message);
        });
        replaying = false;
      });
    },
  ],
  [
    "the counters are not stored with their effect",
    () => {
      const own = HeldLinks.prototype.store;
      let calls = 0;
      vi.spyOn(HeldLinks.prototype, "store").mockImplementation(function (this: HeldLinks, link) {
        if (++calls % 3 !== 0) own.call(this, link);
      });
    },
  ],
  [
    "streams that lost a batch go on",
    () => {
      vi.spyOn(AgentLink.prototype, "endInherited").mockImplementation(() => {});
    },
  ],
  [
    "what a browser took is not granted again",
    () => {
      vi.spyOn(OutboundCredit.prototype, "settle").mockReturnValue(0);
    },
  ],
  [
    "streams that the object lost stay open at the origin",
    () => {
      vi.spyOn(Streams.prototype, "endUnlisted").mockReturnValue(0);
    },
  ],
  [
    "the end of a link is not told to the origin",
    () => {
      vi.spyOn(Streams.prototype, "abandonAll").mockImplementation(() => {});
    },
  ],
];

test.each(FAULTS)("%s: the model sees it", { timeout: 600_000 }, async (_name, plant) => {
  plant();
  const property = fc.asyncProperty(steps, async (script) => (await run(script)).length === 0);
  // The first failing script is enough; nobody reads the smallest one.
  const found = await fc.check(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  expect(found.failed).toBe(true);
});
