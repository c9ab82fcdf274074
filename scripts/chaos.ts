import { parseArgs } from "node:util";
import { runChaos } from "../test/chaos/chaos.ts";
import { boundRun, openRunHome } from "./run-home.ts";
import { ScriptError, exitWith, say } from "./script-error.ts";

const HELP = `npm run chaos -- [--seed n] [--quick] [--cuts n] [--kills n] [--evictions n]
  cuts, stalls, kills and evicts under 50 sockets and 20 transfers; exit code 1 when anything was lost`;
const FULL = { cuts: 200, kills: 20, evictions: 20, faultSeconds: 600 };
const QUICK = { cuts: 20, kills: 2, evictions: 2, faultSeconds: 25 };
/** Start, calm, farewell and count, each bounded by itself. */
const CALM_LIMIT_SECONDS = 240;
const MAX_SEED = 2 ** 32;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      quick: { type: "boolean" },
      cuts: { type: "string" },
      kills: { type: "string" },
      evictions: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const size = values.quick ? QUICK : FULL;
  const seed = count("seed", values.seed, Math.floor(Math.random() * MAX_SEED));
  const home = await openRunHome("chaos");
  const began = performance.now();
  let stop = async (): Promise<void> => {};
  let stopping: Promise<void> | undefined;
  const end = () => (stopping ??= stop().finally(home.close));
  boundRun(size.faultSeconds + CALM_LIMIT_SECONDS, end);
  say(`chaos with seed ${seed}; the same again: npm run chaos -- --seed ${seed}${values.quick ? " --quick" : ""}`);
  try {
    return await runChaos({
      cuts: count("cuts", values.cuts, size.cuts),
      kills: count("kills", values.kills, size.kills),
      evictions: count("evictions", values.evictions, size.evictions),
      faultSeconds: size.faultSeconds,
      seed,
      home: home.folder,
      onAgentLog: (line) => {
        if (line.includes('"agent.started"')) home.refresh();
        if (process.env.LOG_LEVEL === "debug" || !line.startsWith("{")) say(`[agent] ${line}`);
      },
      onPhase: (name) => say(`${((performance.now() - began) / 1000).toFixed(0)} s: ${name}`),
      onStarted: (stopAll) => {
        stop = stopAll;
        home.refresh();
      },
    });
  } finally {
    await end();
  }
}

/** @throws {ScriptError} bad_setting */
function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,10}$/.test(text)) throw new ScriptError("bad_setting", `--${name} must be a number`);
  return Number(text);
}

if (import.meta.main) process.exit((await main().catch(exitWith)) ? 0 : 1);
