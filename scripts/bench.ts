import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FULL_SIZES, QUICK_SIZES, runBench } from "../bench/bench.ts";
import { runPageLoad } from "../bench/page-load.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import { rootFolder } from "./paths.ts";
import { boundRun, openRunHome } from "./run-home.ts";
import { exitWith, say } from "./script-error.ts";

const HELP = `npm run bench -- [--quick] [--profile <folder>] [--rounds n]
  the whole path against the naive floor; writes bench/results/latest.json, or with --quick nothing
  --profile: the agent leaves its CPU profile there
npm run bench -- page-load [--rounds n]
  time to a usable chat, through Tidegate against straight at OpenClaw; writes bench/results/page-load.json`;
const RESULTS = join(rootFolder, "bench/results");
const PAGE_LOAD_ROUNDS = 10;
const LIMIT_SECONDS = 1_200;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean" },
      profile: { type: "string" },
      rounds: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(HELP);
  const sizes = { ...(values.quick ? QUICK_SIZES : FULL_SIZES) };
  if (values.rounds !== undefined) sizes.rounds = Math.max(1, Number(values.rounds) || 1);
  if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
  const isPageLoad = positionals[0] === "page-load";
  const home = await openRunHome("bench");
  const began = performance.now();
  let stop = async (): Promise<void> => {};
  let stopping: Promise<void> | undefined;
  const end = () => (stopping ??= stop().finally(home.close));
  const run = {
    home: home.folder,
    onPhase: (line: string) => {
      home.refresh();
      say(`${((performance.now() - began) / 1000).toFixed(0)} s: ${line}`);
    },
    onStarted: (stopAll: () => Promise<void>) => (stop = stopAll),
  };
  boundRun(LIMIT_SECONDS, end);
  try {
    if (isPageLoad) {
      const result = await runPageLoad({ ...run, rounds: Number(values.rounds) || PAGE_LOAD_ROUNDS });
      const { medians, ratios, goal } = result;
      console.table({ ...medians, ...ratios });
      say(`goal: ${goal.words}: ${goal.met ? "met" : "missed"}`);
      keep("page-load.json", result);
    } else {
      const result = await runBench({ ...run, sizes, profileFolder: values.profile });
      if (!values.quick) keep("latest.json", result);
    }
  } finally {
    await end();
  }
}

function keep(name: string, result: object): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileAtomic(join(RESULTS, name), `${JSON.stringify(result, undefined, 2)}\n`, 0o644);
  say(`written: bench/results/${name}`);
}

if (import.meta.main) process.exit((await main().catch(exitWith)) ?? 0);
