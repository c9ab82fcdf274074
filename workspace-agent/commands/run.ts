/** `run`: the agent itself, in the foreground. */
import { readGranted, writeGranted } from "../admins/granted-file.ts";
import { runAgent } from "../agent.ts";
import { nextBoot } from "../boot-counter.ts";
import { VERSION } from "#protocol/version.ts";
import { ConfigError, readConfig } from "../config.ts";
import { createSentenceLog } from "../log-sentences.ts";
import { createLog } from "../log.ts";
import { updateAgentFile } from "../state/agent-file.ts";
import { shutdownSignal } from "../shutdown.ts";
import { type Command, CommandError, EXIT } from "./command.ts";

const EXITS = { stopped: EXIT.done, superseded: EXIT.superseded } as const;

export const run: Command = {
  usage: "run",
  summary: "run in the foreground; logs go to stderr: sentences on a terminal, else JSON lines",
  async run({ folder, env }) {
    const write = (line: string) => void process.stderr.write(line);
    const log = process.stderr.isTTY ? createSentenceLog(write, !env["NO_COLOR"]) : createLog(write);
    const config = judged(folder, env);
    const boot = nextBoot(folder);
    log("agent.started", { version: VERSION, boot, tenant: config.tenant, gateway: config.url.host });
    const outcome = await runAgent(config, boot, log, shutdownSignal(process.exit), {
      keepPass: (pass) => updateAgentFile(folder, { pass, nextPass: undefined }),
      readGranted: () => readGranted(folder),
      writeGranted: (granted) => writeGranted(folder, granted),
    });
    log("agent.stopped", { outcome });
    if (outcome === "superseded") {
      throw new CommandError(
        "superseded",
        "This agent's key runs elsewhere, started later. Stopping.",
        EXITS.superseded,
      );
    }
    return { exit: EXITS[outcome], result: { outcome } };
  },
};

function judged(folder: string, env: NodeJS.ProcessEnv) {
  try {
    return readConfig(folder, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) => `\n  ${problem}`).join("");
    throw new CommandError("config_invalid", `The configuration in ${folder} is wrong:${problems}`, EXIT.config);
  }
}
