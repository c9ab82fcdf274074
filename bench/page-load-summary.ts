/** What loads of the page add up to: medians of each target, and ratios to the direct one. Pure. */

export type Target = "direct" | "twoProxies" | "tidegate";
export type Cache = "cold" | "warm";

export interface Load {
  target: Target;
  cache: Cache;
  round: number;
  /** Milliseconds since the navigation began. */
  usableMs: number;
  helloMs: number;
  composerMs: number;
  requests: number;
}

export interface PageLoadResult {
  conditions: Record<string, unknown>;
  medians: Record<string, number>;
  ratios: Record<string, number>;
  goal: { words: string; met: boolean };
  loads: Load[];
}

export function summaryOf(loads: Load[]): Pick<PageLoadResult, "medians" | "ratios" | "goal"> {
  const medians: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const cache of ["cold", "warm"] as const) {
    const of = (target: Target) =>
      median(loads.flatMap((load) => (load.cache === cache && load.target === target ? [load.usableMs] : [])));
    for (const target of ["direct", "twoProxies", "tidegate"] as const) medians[`${cache} ${target} ms`] = of(target);
    ratios[cache] = of("tidegate") / of("direct");
    ratios[`${cache}, a second proxy`] = of("twoProxies") / of("direct");
    // Neighbours in time: what else the machine does in a round meets both.
    ratios[`${cache}, median of rounds`] = median(
      loads.flatMap((load) => {
        if (load.cache !== cache || load.target !== "tidegate") return [];
        const direct = loads.find(
          (other) => other.cache === cache && other.target === "direct" && other.round === load.round,
        );
        return direct === undefined ? [] : [load.usableMs / direct.usableMs];
      }),
    );
  }
  const met = (ratios["cold"] ?? Infinity) <= 1.15 && (ratios["warm"] ?? Infinity) <= 1.15;
  return { medians, ratios, goal: { words: "at most 1.15 of direct, cold and warm", met } };
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
