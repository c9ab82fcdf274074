#!/usr/bin/env node
/** `tidegate-agent`: arguments and exit codes; everything else is elsewhere. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { PRODUCT, VERSION } from "#protocol/version.ts";
import { runAgent } from "./agent.ts";
import { nextBoot } from "./boot-counter.ts";
import { ConfigError, readConfig } from "./config.ts";
import { createSentenceLog } from "./log-sentences.ts";
import { createLog } from "./log.ts";
import { shutdownSignal } from "./shutdown.ts";

const EXIT = { stopped: 0, failed: 1, usage: 2, config: 3, superseded: 4 } as const;

const HELP = `${PRODUCT} agent ${VERSION}: connects the OpenClaw of this machine to its gateway. It only dials out.

  tidegate-agent run --state <folder>   run in the foreground; logs go to stderr: sentences on a terminal, else JSON lines
  tidegate-agent --version
  tidegate-agent --help

The folder holds agent.json and agent.key (mode 600). 
Environment:
  OPENCLAW_GATEWAY_PASSWORD   OpenClaw's gateway.auth.password
  TIDEGATE_METRICS_PORT       serves /metrics and /readyz on 127.0.0.1; off when absent
  HTTPS_PROXY, NO_PROXY       the way to the gateway, as curl reads them
  NO_COLOR                    plain sentences on a terminal

SIGTERM and SIGINT let open HTTP exchanges end, 10 seconds at most; a second one ends at once.

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong arguments, 3 wrong configuration,
4 superseded: the same key runs elsewhere, started later.
`;

async function main(args: string[]): Promise<number> {
  const options = { state: { type: "string" }, version: { type: "boolean" }, help: { type: "boolean" } } as const;
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return complain((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return say(HELP);
  if (values.version) return say(`${VERSION}\n`);
  if (positionals.length !== 1 || positionals[0] !== "run") return complain("the command is: run");
  if (values.state === undefined) return complain("run needs --state <folder>");
  return run(resolve(values.state));
}

async function run(folder: string): Promise<number> {
  const write = (line: string) => void process.stderr.write(line);
  const log = process.stderr.isTTY ? createSentenceLog(write, !process.env["NO_COLOR"]) : createLog(write);
  try {
    const config = readConfig(folder, process.env);
    const boot = nextBoot(folder);
    log("agent.started", { version: VERSION, boot, tenant: config.tenant, gateway: config.url.host });
    const outcome = await runAgent(config, boot, log, shutdownSignal(process.exit));
    log("agent.stopped", { outcome });
    if (outcome === "superseded") process.stderr.write("This agent's key runs elsewhere, started later. Stopping.\n");
    return EXIT[outcome];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration in ${folder} is wrong:\n`);
    for (const problem of error.problems) process.stderr.write(`  ${problem}\n`);
    return EXIT.config;
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return EXIT.stopped;
}

function complain(problem: string): number {
  process.stderr.write(`${problem}\nTry: tidegate-agent --help\n`);
  return EXIT.usage;
}

// Sockets that still say goodbye must not keep a stopped agent alive.
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    return EXIT.failed;
  }),
);
