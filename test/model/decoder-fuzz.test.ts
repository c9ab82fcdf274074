import { expect, test } from "vitest";
import { decodeFrames } from "#protocol/codec.ts";
import { ProtocolError } from "#protocol/errors.ts";
import { MAX_BATCH_FRAMES } from "#protocol/limits.ts";
import { decodeMessage } from "#protocol/messages.ts";
import { GROWTH_BYTES, heldBytes, INPUTS, SEED, TIMEOUT_MS } from "./budget.ts";
import { generator, hostileMessages } from "./mutations.ts";

test(
  `the decoder gives frames or a coded error (${INPUTS.decoder} inputs, seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  () => {
    const random = generator(SEED);
    const make = hostileMessages(random);
    const before = heldBytes();
    let good = 0;
    for (let n = 0; n < INPUTS.decoder; n++) {
      const bytes = make(random(), random());
      try {
        const message = decodeMessage(bytes);
        if (message.type === "batch") good += decodeFrames(message.body, MAX_BATCH_FRAMES).length;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
    // A fuzzer whose every input dies at the first check tests nothing.
    expect(good).toBeGreaterThan(INPUTS.decoder / 10);
    expect(heldBytes() - before).toBeLessThan(GROWTH_BYTES);
  },
);
