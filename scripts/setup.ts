/** `npm run setup`: asks who may come in and through which provider, and writes config/tenants.json; never a secret. */
import { join } from "node:path";
import { format } from "prettier";
import { checkConfig } from "../worker/config/parse-config.ts";
import { TENANTS_FILE } from "../worker/config/tenant-source.ts";
import { Asking } from "./ask.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import { readConfigFiles } from "./config-files.ts";
import { openCloudflare } from "./deploy/cloudflare-api.ts";
import { mark, print } from "./deploy/report.ts";
import { Zones } from "./deploy/zones.ts";
import { withFolderLock } from "./folder-lock.mjs";
import { downloadFolder, rootFolder } from "./paths.ts";
import { exitWith, say, ScriptError } from "./script-error.ts";
import type { Answers } from "./setup/answers.ts";
import { discover } from "./setup/discovery.ts";
import { Interview, interview, parseSetup } from "./setup/interview.ts";
import { enterTenant, type Entered } from "./setup/tenant-entry.ts";

const HELP = `npm run setup [-- --yes] [flags]
asks for what the flags do not say; with --yes nothing is asked, and what config/tenants.json says already stays
  --host          host name for people: claw.example.com
  --console-host  host name of the console, where agents are approved; console-<host> if left out
  --provider      google | entra | okta | auth0 | keycloak | github | oidc
  --issuer        the provider's address as it spells itself; not for google and github
  --client-id     what the provider calls this gateway
  --allow         who may come in: @example.com,carol@example.org
  --admins        administrators: alice@example.com`;

/** Told when wrangler is signed in, and never asked for: setup needs no account. */
async function tellZone(host: string): Promise<void> {
  try {
    const zone = await new Zones(await openCloudflare(process.env)).of(host);
    if (zone === undefined)
      print(`  · ${host} is in no zone of your Cloudflare account: add its domain before npm run deploy`);
    else if (zone !== "unknown") print(mark(true, `zone in your Cloudflare account: ${zone.name}`));
  } catch {
    print("  · the zone is looked up by npm run deploy (not signed in to Cloudflare now)");
  }
}

/** Reads, changes and writes the file alone: of two setups at once, each finds what the other wrote. */
async function write(answers: Answers): Promise<Entered> {
  const path = join(rootFolder, TENANTS_FILE);
  const onWait = () => say("waiting for another setup in this folder");
  return withFolderLock(join(downloadFolder, "setup.lock"), onWait, async () => {
    const { vars, tenantsFile, problems: unread } = await readConfigFiles(rootFolder);
    const entered = enterTenant(tenantsFile, answers);
    const { problems: found, secretNames } = checkConfig(vars, entered.file);
    const problems = [...unread, ...found.filter(({ name }) => !secretNames.includes(name))];
    if (problems.length > 0) {
      const lines = problems.map(({ name, expected }) => `\n  ${name}: ${expected}`).join("");
      throw new ScriptError("config_invalid", `${TENANTS_FILE} is as it was, because this would not be good:${lines}`);
    }
    const text = await format(JSON.stringify(entered.file), {
      parser: "json",
      printWidth: 120,
      objectWrap: "preserve",
    });
    writeFileAtomic(path, text, 0o644);
    return entered;
  });
}

async function main(): Promise<void> {
  const { flags, yes, help } = parseSetup(process.argv.slice(2));
  if (help) return print(HELP);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
  const { tenantsFile } = await readConfigFiles(rootFolder);
  // Nobody shall answer seven questions for a file that cannot be read afterwards.
  if (tenantsFile === undefined)
    throw new ScriptError("config_invalid", `${TENANTS_FILE} is no JSON; {"tenants": []} is enough`);
  const asking = yes ? undefined : new Asking();
  try {
    const answers = await interview(new Interview(flags, asking), tenantsFile, { hostKnown: tellZone, discover });
    const { tenant, secretName, isNew, otherClient } = await write(answers);
    print(mark(true, `${TENANTS_FILE}: tenant ${String(tenant["id"])} ${isNew ? "added" : "updated"}`));
    print(
      `  Client secret: npm run deploy asks for ${secretName}, or reads it from the environment; it is written nowhere`,
    );
    if (otherClient)
      print(`  · the client is another one: if its secret is at Cloudflare, npx wrangler secret put ${secretName}`);
    print("Next: npm run deploy -- --dry-run, then npm run deploy");
  } finally {
    asking?.close();
  }
}

if (import.meta.main) await main().catch(exitWith);
