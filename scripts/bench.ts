import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FULL_SIZES, QUICK_SIZES, runBench } from "../bench/bench.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import { rootFolder } from "./paths.ts";
import { boundRun, openRunHome } from "./run-home.ts";
import { exitWith, say } from "./script-error.ts";

const HELP = `npm run bench -- [--quick] [--profile <folder>] [--rounds n]
  the whole path against the naive floor; writes bench/results/latest.json, or with --quick nothing
  --profile: the agent leaves its CPU profile there`;
const RESULTS = join(rootFolder, "bench/results/latest.json");
const LIMIT_SECONDS = 1_200;

async function main(): Promise<void> {
  const { values } = parseArgs({
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
  const home = await openRunHome("bench");
  const began = performance.now();
  let stop = async (): Promise<void> => {};
  let stopping: Promise<void> | undefined;
  const end = () => (stopping ??= stop().finally(home.close));
  boundRun(LIMIT_SECONDS, end);
  try {
    const result = await runBench({
      sizes,
      home: home.folder,
      profileFolder: values.profile,
      onPhase: (line) => {
        home.refresh();
        say(`${((performance.now() - began) / 1000).toFixed(0)} s: ${line}`);
      },
      onStarted: (stopAll) => (stop = stopAll),
    });
    if (!values.quick) {
      mkdirSync(join(rootFolder, "bench/results"), { recursive: true });
      writeFileAtomic(RESULTS, `${JSON.stringify(result, undefined, 2)}\n`, 0o644);
      say("written: bench/results/latest.json");
    }
  } finally {
    await end();
  }
}

if (import.meta.main) process.exit((await main().catch(exitWith)) ?? 0);
