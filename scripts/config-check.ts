import { checkConfig, type Config } from "../worker/config/parse-config.ts";
import type { ConfigProblem } from "../worker/config/problem.ts";
import { notesOf } from "../worker/config/schema.ts";
import { variables } from "../worker/config/variables.ts";
import { readConfigFiles } from "./config-files.ts";
import { emptyTenants, unenforcedFields } from "./config-notes.ts";
import { rootFolder } from "./paths.ts";
import { exitWith, ScriptError } from "./script-error.ts";

export interface CheckOptions {
  /** The secrets are at Cloudflare only: those that are not here are not looked at. */
  withoutSecrets: boolean;
}

export interface CheckResult {
  ok: boolean;
  /** One line for people. */
  summary: string;
  problems: ConfigProblem[];
  /** Worth knowing, and no reason to stop. */
  notes: string[];
  /** Secrets that are not here and could not be judged. */
  unchecked: string[];
}

/** Judges the checkout's configuration as the Worker will, before it is deployed. */
export async function checkFolder(folder: string, { withoutSecrets }: CheckOptions): Promise<CheckResult> {
  const { vars, devVars, tenantsFile, problems: unread } = await readConfigFiles(folder);
  // What is deployed: the variables of wrangler.toml alone, and the secrets, which .dev.vars stands in for.
  const local = Object.keys(devVars).filter(isVariable);
  const env = { ...Object.fromEntries(Object.entries(devVars).filter(([name]) => !isVariable(name))), ...vars };
  const { config, problems: found, secretNames, unusedSecrets } = checkConfig(env, tenantsFile);
  const elsewhere = withoutSecrets ? secretNames.filter((name) => !env[name]) : [];
  const problems = [
    ...unread,
    ...found.filter(({ name }) => !elsewhere.includes(name)),
    ...secretNames
      .filter((name) => Object.hasOwn(vars, name))
      .map((name) => ({ name: `wrangler.toml ${name}`, expected: "nothing: a secret does not belong in this file" })),
  ];
  if (vars["AUTHSEC_MODE"] === "stub") {
    problems.push({ name: "wrangler.toml AUTHSEC_MODE", expected: "oidc: the stub is not in a deployed bundle" });
  }
  const notes = [
    ...unusedSecrets.map((name) => `${name}: nothing reads this secret`),
    ...local.map((name) => `.dev.vars ${name}: counts on this computer only, and is not judged here`),
    ...unenforcedFields(tenantsFile),
    ...(config === undefined ? [] : emptyTenants(config)),
  ];
  const ok = problems.length === 0;
  return {
    ok,
    problems,
    notes,
    unchecked: elsewhere,
    summary: ok ? describe(config) : countOf(problems.length, "problem"),
  };
}

function isVariable(name: string): boolean {
  return Object.hasOwn(variables, name) && !notesOf(variables[name as keyof typeof variables])?.secret;
}

function describe(config: Config | undefined): string {
  if (config === undefined) return "the configuration is fine, apart from secrets that are not here";
  const { mode, development, tenants } = config;
  const ids = new Set(tenants.map(({ id }) => id));
  const counts = `${countOf(ids.size, "tenant")} on ${countOf(tenants.length, "host")}`;
  return `the configuration is fine: ${mode}, ${development ? "development" : "production"}, ${counts}`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function parseOptions(args: string[]): CheckOptions & { json: boolean } {
  const unknown = args.find((arg) => arg !== "--json" && arg !== "--without-secrets");
  if (unknown !== undefined) {
    throw new ScriptError("bad_setting", "usage: npm run config:check -- [--json] [--without-secrets]");
  }
  return { json: args.includes("--json"), withoutSecrets: args.includes("--without-secrets") };
}

async function main(args: string[]): Promise<boolean> {
  const options = parseOptions(args);
  const result = await checkFolder(rootFolder, options);
  const { ok, summary, problems, notes, unchecked } = result;
  if (options.json) console.log(JSON.stringify(result, undefined, 2));
  else {
    for (const { name, expected } of problems) console.log(`wrong  ${name}: ${expected}`);
    for (const note of notes) console.log(`note   ${note}`);
    for (const name of unchecked) console.log(`note   ${name}: not checked, it must be a secret of the Worker`);
    console.log(summary);
  }
  return ok;
}

if (import.meta.main) process.exit((await main(process.argv.slice(2)).catch(exitWith)) ? 0 : 1);
