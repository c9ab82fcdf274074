import { parseArgs } from "node:util";
import { runRedTeam } from "../test/redteam/redteam.ts";
import { boundRun, openRunHome } from "./run-home.ts";
import { exitWith } from "./script-error.ts";

const HELP = `npm run redteam -- [--only text]
  tries every attack of test/redteam against the running whole and prints: attempt, expected, got; exit code 1 when one
  did not hold. --only: those whose id holds the text, or those of one threat (T5)`;
const LIMIT_SECONDS = 600;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const home = await openRunHome("redteam");
  let stop = async (): Promise<void> => {};
  let stopping: Promise<void> | undefined;
  const end = () => (stopping ??= stop().finally(home.close));
  boundRun(LIMIT_SECONDS, end);
  try {
    return await runRedTeam({
      home: home.folder,
      only: values.only,
      onLine: (line) => console.log(line),
      onStarted(stopAll) {
        stop = stopAll;
        home.refresh();
      },
    });
  } finally {
    await end();
  }
}

if (import.meta.main) process.exit((await main().catch(exitWith)) ? 0 : 1);
