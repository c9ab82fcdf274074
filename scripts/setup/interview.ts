import { parseArgs } from "node:util";
import { PRESETS } from "../../worker/config/presets.ts";
import type { Asking } from "../ask.ts";
import { mark, print } from "../deploy/report.ts";
import { say, ScriptError } from "../script-error.ts";
import {
  PROVIDERS,
  readAdmins,
  readAllowed,
  readClientId,
  readHost,
  readIssuer,
  readProvider,
  showPeople,
} from "./answers.ts";
import type { Answers, Read } from "./answers.ts";
import type { Discovered } from "./discovery.ts";
import { registration } from "./registration.ts";
import { formerAnswers } from "./tenant-entry.ts";

const FLAGS = {
  host: { type: "string" },
  "console-host": { type: "string" },
  provider: { type: "string" },
  issuer: { type: "string" },
  "client-id": { type: "string" },
  allow: { type: "string" },
  admins: { type: "string" },
} as const;

export type Flags = { [F in keyof typeof FLAGS]?: string | undefined };

export interface SetupOptions {
  flags: Flags;
  /** Nothing is asked. */
  yes: boolean;
  help: boolean;
}

/** @throws {ScriptError} bad_setting */
export function parseSetup(args: string[]): SetupOptions {
  try {
    const options = { ...FLAGS, yes: { type: "boolean" }, help: { type: "boolean" } } as const;
    const { yes = false, help = false, ...flags } = parseArgs({ args, options }).values;
    return { flags, yes, help };
  } catch (error) {
    throw new ScriptError(
      "bad_setting",
      `${(error as Error).message.split(". ")[0] ?? ""}; see npm run setup -- --help`,
    );
  }
}

/** Answers from flags, else from the person, else what the file says already. */
export class Interview {
  readonly #flags: Flags;
  readonly #asking: Asking | undefined;

  /** @param asking absent with --yes */
  constructor(flags: Flags, asking: Asking | undefined) {
    this.#flags = flags;
    this.#asking = asking;
  }

  /** What a person typed wrong is asked again. @throws {ScriptError} bad_setting naming the flag, where nobody is asked */
  async get<T>(
    flag: keyof Flags,
    question: string,
    former: string | undefined,
    read: (text: string) => Read<T> | Promise<Read<T>>,
  ): Promise<T> {
    const given = this.#flags[flag];
    for (;;) {
      const text = given ?? (await this.#ask(question, former)) ?? former;
      if (text === undefined) throw new ScriptError("bad_setting", `--${flag} is missing`);
      const result = await read(text);
      if ("value" in result) return result.value;
      if (given !== undefined || this.#asking === undefined) {
        throw new ScriptError("bad_setting", `--${flag}: expected ${result.expected}`);
      }
      say(`expected ${result.expected}`);
    }
  }

  async #ask(question: string, former: string | undefined): Promise<string | undefined> {
    const answer = await this.#asking?.ask(`  ${question}${former === undefined ? "" : ` [${former}]`}?`);
    return answer === undefined || (answer === "" && former !== undefined) ? undefined : answer;
  }
}

/** What an interview needs from outside. */
export interface Surroundings {
  /** Is told the host as soon as it is known. */
  hostKnown: (host: string) => Promise<void>;
  discover: (preset: Answers["preset"], issuer: string) => Promise<Discovered>;
}

/** Every question, in the order in which the answers are at hand. */
export async function interview(
  talk: Interview,
  tenantsFile: unknown,
  { hostKnown, discover }: Surroundings,
): Promise<Answers> {
  const host = await talk.get("host", "Hostname for people", undefined, readHost);
  await hostKnown(host);
  const former = formerAnswers(tenantsFile, host);
  const consoleHost = await talk.get(
    "console-host",
    "Hostname for the console",
    former.consoleHost ?? `console-${host}`,
    (text) => {
      const read = readHost(text);
      return "value" in read && read.value === host ? { expected: "another host: nothing shares the console's" } : read;
    },
  );
  const choice = PROVIDERS.map(({ label }, at) => `${at + 1} ${label}`).join("  ");
  const preset = await talk.get("provider", `Identity provider (${choice})`, former.preset, readProvider);
  const same = former.preset === preset ? former : {};
  const issuer = await askIssuer(talk, preset, same.issuer, discover);
  print(`  Register at ${PROVIDERS.find((entry) => entry.preset === preset)?.label ?? preset}, letter by letter:`);
  for (const line of registration([host, consoleHost], same.providerId ?? preset)) print(`    ${line}`);
  const clientId = await talk.get("client-id", "Client id", same.clientId, readClientId);
  const allow = await talk.get("allow", "Who may come in", former.allow && showPeople(former.allow), readAllowed);
  const admins = await talk.get("admins", "Admins", former.admins && showPeople(former.admins), readAdmins);
  return { host, consoleHost, preset, issuer, clientId, allow, admins };
}

/** Discovery is part of the answer: an issuer that cannot be used is asked for again. */
async function askIssuer(
  talk: Interview,
  preset: Answers["preset"],
  former: string | undefined,
  discover: Surroundings["discover"],
): Promise<string> {
  const check = async (text: string): Promise<Read<string>> => {
    const read = readIssuer(preset, text);
    if ("expected" in read) return read;
    const { can, lacks } = await discover(preset, read.value);
    print(mark(true, `${read.value}: ${can.join(", ")}`));
    for (const lack of lacks) print(`  · ${lack}`);
    return read;
  };
  const { issuer: fixed } = PRESETS[preset];
  if (fixed !== null) {
    await check(fixed);
    return fixed;
  }
  return talk.get("issuer", "Issuer", former, (text) =>
    check(text).catch((error: unknown) => {
      if (error instanceof ScriptError) return { expected: `an issuer that answers: ${error.message}` };
      throw error;
    }),
  );
}
