/** What may happen between two events, as data: fast-check makes scripts of it and shrinks those that fail. */
import fc from "fast-check";

export type Step =
  | { do: "open" | "dial" | "restart" | "evict" | "cut at agent" | "tell object" }
  | { do: "upload"; chunks: number }
  | { do: "cut"; keep: number }
  | { do: "browser says" | "origin says"; who: number; size: number; times: number }
  | { do: "browser leaves" | "origin hangs up"; who: number }
  | { do: "to object" | "to agent"; count: number; newest: boolean }
  | { do: "pass"; ms: number };

const who = fc.nat({ max: 2 });
/** Now and then many at once, as an answer streams. */
const times = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(5) });
/** Mostly chat; some that fill windows; now and then one that travels in parts. */
const size = fc.oneof(
  { weight: 8, arbitrary: fc.constant(30) },
  { weight: 4, arbitrary: fc.constant(100_000) },
  { weight: 1, arbitrary: fc.constant(300_000) },
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("upload" as const), chunks: fc.integer({ min: 1, max: 12 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("dial" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("evict" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cut at agent" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("tell object" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("cut" as const), keep: fc.nat({ max: 3 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("browser says" as const), who, size, times }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("origin says" as const), who, size, times }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("browser leaves" as const), who }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("origin hangs up" as const), who }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("to object" as const),
        count: fc.integer({ min: 1, max: 6 }),
        newest: fc.boolean(),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("to agent" as const),
        count: fc.integer({ min: 1, max: 6 }),
        newest: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(30, 60, 2_000, 6_000, 31_000) }),
    },
  ),
  { minLength: 5, maxLength: 60 },
);
