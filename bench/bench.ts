/** One run: both targets up at once, rounds in turns, so that whatever else the machine does meets both. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { rootFolder } from "../scripts/paths.ts";
import { Children, Load } from "./children.ts";
import { linesOf, printLines, type Line, type Measured } from "./report.ts";
import { startFloor, startFull, type FullTarget, type Target } from "./target.ts";
import * as workloads from "./workloads.ts";
import type { Round, Sizes } from "./workloads.ts";

export const FULL_SIZES: Sizes = {
  rounds: 3,
  getMs: 2_500,
  echoMs: 1_500,
  bulkBytes: 300_000_000,
  idleSockets: 1_000,
  revokedSockets: 500,
};
export const QUICK_SIZES: Sizes = {
  rounds: 1,
  getMs: 800,
  echoMs: 500,
  bulkBytes: 40_000_000,
  idleSockets: 100,
  revokedSockets: 80,
};

export interface BenchOptions {
  sizes: Sizes;
  /** A folder of this run's own. */
  home: string;
  /** Where the agent leaves its CPU profile. */
  profileFolder?: string | undefined;
  onPhase: (line: string) => void;
  onStarted: (stop: () => Promise<void>) => void;
}

export interface BenchResult {
  conditions: Record<string, unknown>;
  lines: Line[];
  rounds: Measured[];
}

type Workload = {
  name: string;
  run: (target: Target) => Promise<Round>;
  /** Rounds beyond the first cost much time and say little. */
  once?: boolean;
};

export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { sizes } = options;
  const children = new Children();
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    children.stop();
    await Promise.all(stops.splice(0).map((end) => end()));
  };
  options.onStarted(stop);
  try {
    const origin = children.fork("origin.ts");
    const [originPort] = (await once(origin, "message")) as [number];
    const full = await startFull(options.home, originPort, options.profileFolder);
    stops.push(full.stop);
    const floor = await startFloor(children, originPort);
    stops.push(floor.stop);
    const rounds = await measureAll(options, workloadList(new Load(children), new Load(children), sizes), full, floor);
    rounds.push(await measureSignOut(options, new Load(children), full));
    const lines = linesOf(rounds);
    printLines(lines);
    return { conditions: conditionsOf(sizes), lines, rounds };
  } finally {
    await stop();
  }
}

function workloadList(load: Load, bulk: Load, sizes: Sizes): Workload[] {
  const gets = [1, 32, 128].map((connections) => ({
    name: `GET, ${connections} connection${connections === 1 ? "" : "s"}`,
    run: (target: Target) => workloads.measureGets(load, target, connections, sizes),
  }));
  return [
    // First: what sockets cost is seen in processes that have not grown yet.
    { name: "idle sockets", run: (target) => workloads.measureIdle(load, target, sizes), once: true },
    ...gets,
    { name: "echo 64 B", run: (target) => workloads.measureEcho(load, target, 64, sizes) },
    { name: "echo 16 KiB", run: (target) => workloads.measureEcho(load, target, 16_384, sizes) },
    { name: "body down", run: (target) => workloads.measureBulk(load, target, "down", sizes) },
    { name: "body up", run: (target) => workloads.measureBulk(load, target, "up", sizes) },
    {
      name: "beside four downloads",
      run: (target) => workloads.measureBesideBulk(load, bulk, target, sizes),
    },
  ];
}

/** Workload by workload, round by round, both targets in turns and in changing order. */
async function measureAll(
  { sizes, onPhase }: BenchOptions,
  list: Workload[],
  full: Target,
  floor: Target,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const workload of list) {
    const result: Measured = { name: workload.name, full: [], floor: [] };
    for (let round = 0; round < (workload.once ? 1 : sizes.rounds); round++) {
      for (const target of round % 2 === 0 ? [full, floor] : [floor, full]) {
        result[target.name].push(await workload.run(target));
      }
    }
    onPhase(`${workload.name} measured`);
    measured.push(result);
  }
  return measured;
}

/** The floor has no sessions, so nobody can be signed out of it. */
async function measureSignOut({ sizes, onPhase }: BenchOptions, load: Load, full: FullTarget): Promise<Measured> {
  const rounds: Round[] = [];
  for (let round = 0; round < sizes.rounds; round++) rounds.push(await workloads.measureRevocation(load, full, sizes));
  onPhase("sign-out measured");
  return { name: "sign-out", full: rounds, floor: [] };
}

function conditionsOf(sizes: Sizes): Record<string, unknown> {
  const versionOf = (name: string): string => {
    const text = readFileSync(join(rootFolder, "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  };
  return {
    date: new Date().toISOString(),
    versions: { node: process.version, workerd: versionOf("workerd"), miniflare: versionOf("miniflare") },
    machine: { cores: cpus().length, cpu: cpus()[0]?.model.trim(), memoryGib: Math.round(totalmem() / 2 ** 30) },
    sizes,
    notes: [
      "Everything runs on this one machine and shares its cores: workerd (one thread), the agent, the origin, and a load process. Read ratios of one run, not figures of two.",
      "Clients speak to workerd's own socket. Load is a closed loop: a pause shows in one request of each connection. The first fifth of each round is not counted.",
      "Full requests carry 160 sessions of 8 people in turns, each within its limits. Medians of the rounds are shown.",
      "Between groups of 40 sockets the object is evicted before a sign-out, so that the limit on upgrades is forgotten.",
    ],
  };
}
