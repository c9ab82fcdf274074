#!/usr/bin/env node
/** `tidegate-agent`: arguments in, sentences or JSON out, an exit code; what is done is in commands/. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PRODUCT, VERSION } from "#protocol/version.ts";
import { type Command, CommandError, type CommandContext, EXIT } from "./commands/command.ts";
import { COMMANDS } from "./commands/commands.ts";

const SHARED_FLAGS = {
  state: { type: "string" },
  yes: { type: "boolean" },
  "dry-run": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

async function main(args: string[]): Promise<number> {
  const name = args.find((word) => !word.startsWith("-")) ?? "";
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const json = args.includes("--json");
  try {
    const options = { ...SHARED_FLAGS, ...command?.flags };
    const { values, positionals } = parse(args, options);
    if (values["help"]) return print(help());
    if (values["version"]) return print(`${VERSION}\n`);
    if (command === undefined) {
      throw new CommandError(
        "usage",
        name === "" ? "A command is needed." : `There is no command ${clean(name)}.`,
        EXIT.usage,
      );
    }
    const { exit, result } = await command.run(contextOf(values, positionals.slice(1)));
    if (json) print(`${JSON.stringify(result)}\n`);
    return exit;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (json) print(`${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`);
    process.stderr.write(`${clean(error.message)}\n${error.exit === EXIT.usage ? "Try: tidegate-agent --help\n" : ""}`);
    return error.exit;
  }
}

function parse(args: string[], options: NonNullable<Command["flags"]>) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new CommandError("usage", (error as Error).message, EXIT.usage);
  }
}

function contextOf(values: CommandContext["flags"], words: string[]): CommandContext {
  const { state, yes = false, "dry-run": dryRun = false, json = false, ...flags } = values;
  const context: CommandContext = {
    folder: typeof state === "string" ? resolve(state) : defaultFolder(process.env),
    env: process.env,
    words,
    flags,
    yes: yes === true,
    dryRun: dryRun === true,
    json: json === true,
    say: (sentence) => void (json === true ? process.stderr : process.stdout).write(`${clean(sentence)}\n`),
    confirm: async (question) => context.yes || /^y(es)?$/i.test(await readLine(`${question} [y/N] `)),
    ask: (question) => readLine(`${question} `),
    fetch,
    nowMs: Date.now,
    sleep: (ms) => delay(ms),
  };
  return context;
}

/** The user's own configuration folder (XDG Base Directory Specification). */
function defaultFolder(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "tidegate");
}

/** Questions go to stderr, so that stdout holds results alone. */
async function readLine(question: string): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) process.stderr.write(clean(question));
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line.trim();
  } finally {
    lines.close();
  }
  throw new CommandError("not_asked", `Nobody is here to answer "${question.trim()}". Use --yes.`, EXIT.usage);
}

function help(): string {
  const rows = Object.values(COMMANDS).map(({ usage, summary }) => `  tidegate-agent ${usage.padEnd(22)} ${summary}`);
  return `${PRODUCT} agent ${VERSION}: connects the OpenClaw of this machine to its gateway. It only dials out.

${rows.join("\n")}
  tidegate-agent --version | --help

  --state <folder>   agent.json and agent.key (mode 600); default $XDG_CONFIG_HOME/tidegate, else ~/.config/tidegate
  --yes              nobody is asked
  --dry-run          says what would be done, and does nothing
  --json             one JSON object on stdout, sentences on stderr

Environment:
  OPENCLAW_GATEWAY_PASSWORD   OpenClaw's gateway.auth.password; goes before the one in agent.json
  OPENCLAW_URL, OPENCLAW_WORKSPACE, TIDEGATE_USER_HEADER, TIDEGATE_LOCAL_ADDRESS
                              where nothing can be configured, as in a container; go before agent.json
                              (several workspaces: separated as in PATH)
  TIDEGATE_ENROLL_TOKEN       enrolls without an administrator at a browser; good once
  TIDEGATE_METRICS_PORT       serves /metrics and /readyz on 127.0.0.1; off when absent
  HTTPS_PROXY, NO_PROXY       the way to the gateway, as curl reads them
  NO_COLOR                    plain sentences on a terminal

SIGTERM and SIGINT let open HTTP exchanges end, 10 seconds at most; a second one ends at once.

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 wrong configuration, 4 superseded: the same key runs elsewhere,
started later, 5 refused by somebody, 6 a check failed.
`;
}

/** What others chose must not move a terminal's cursor. */
function clean(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, "?");
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}

// Sockets that still say goodbye must not keep a stopped agent alive.
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    return EXIT.failed;
  }),
);
