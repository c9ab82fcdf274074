/**
 * `npm run destroy`: takes the gateway and then the tenant script, with all that is stored, from Cloudflare. A run that
 * was killed is made again. Exit codes: 0 gone, 1 refused or failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Asking } from "./ask.ts";
import { readConfigFiles } from "./config-files.ts";
import { openCloudflare } from "./deploy/cloudflare-api.ts";
import { readDeployed } from "./deploy/deployed-script.ts";
import { GATEWAY_CONFIG, readNames, TENANT_CONFIG } from "./deploy/deployment.ts";
import { mark, print } from "./deploy/report.ts";
import { sitesOf } from "./deploy/sites.ts";
import { requireWrangler } from "./deploy/wrangler.ts";
import { withFolderLock } from "./folder-lock.mjs";
import { downloadFolder, rootFolder } from "./paths.ts";
import { exitWith, say, ScriptError } from "./script-error.ts";

const HELP = `npm run destroy [-- --yes hostname]
  --yes   does not ask; the host name says that this deployment is meant`;

async function destroy(confirmed: string | undefined): Promise<void> {
  const { vars, tenantsFile } = await readConfigFiles(rootFolder);
  const sites = sitesOf(vars, tenantsFile);
  const host = sites[0]?.hosts[0];
  if (host === undefined)
    throw new ScriptError("config_invalid", "nothing is configured here, so nothing of it is at Cloudflare");
  const { names, accountId } = await readNames();
  const api = await openCloudflare(process.env, accountId);
  const [gateway, tenant] = await Promise.all([readDeployed(api, names.gateway), readDeployed(api, names.tenant)]);
  if (gateway === undefined && tenant === undefined) return print(mark(true, "neither script is at Cloudflare"));
  announce(
    sites.flatMap(({ hosts }) => hosts),
    sites.map(({ consoleHost }) => consoleHost).find((console) => console !== null),
  );
  await confirm(host, confirmed);
  // The gateway is bound to the tenant script, so it goes first; from then on nobody reaches the objects.
  for (const [name, config, found] of [
    [names.gateway, GATEWAY_CONFIG, gateway],
    [names.tenant, TENANT_CONFIG, tenant],
  ] as const) {
    if (found !== undefined)
      await requireWrangler(`delete ${name}`, {
        args: ["delete", "--config", config, "--force"],
        env: { CLOUDFLARE_ACCOUNT_ID: api.accountId },
      });
    print(mark(true, `${name} ${found === undefined ? "is not there" : "deleted"}`));
  }
  print(
    "Left: the client at your provider, config/tenants.json, and every agent (tidegate-agent uninstall on its computer)",
  );
}

function announce(hosts: string[], console: string | null | undefined): void {
  print(`This ends ${hosts.map((host) => `https://${host}`).join(" ")} and deletes everything that is stored:`);
  print("  sessions, people, enrolled agents, the audit trail; nothing of it can be brought back.");
  print("Chats and files of OpenClaw are on its own computer, and stay.");
  print("To keep, before: who was there and who is");
  print(`  npm run tidegate -- sign-in https://${console ?? "<console>"}`);
  print(
    "  npm run -s tidegate -- people list --json > people.json; npm run -s tidegate -- sessions list --json > sessions.json",
  );
  print("The audit trail is lost with it. To keep it: npm run -s tidegate -- audit export > audit.jsonl");
}

/** @throws {ScriptError} not_confirmed */
async function confirm(host: string, confirmed: string | undefined): Promise<void> {
  let typed = confirmed;
  if (typed === undefined) {
    const asking = new Asking();
    typed = await asking.ask(`Type ${host} to go on:`).finally(() => asking.close());
  }
  if (typed !== host) throw new ScriptError("not_confirmed", `that is not ${host}: nothing was deleted`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { yes: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) return print(HELP);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
  const onWait = (pid: number | undefined) => say(`waiting for a deploy from this folder (pid ${pid ?? "?"})`);
  await withFolderLock(join(downloadFolder, "deploy.lock"), onWait, () => destroy(values.yes));
}

if (import.meta.main) await main().catch(exitWith);
