/**
 * `npm run rollback`: the version before this one, of the gateway; of the tenant script only when asked for, and only
 * within one migration of its objects. Exit codes: 0 rolled back, 1 refused or failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openCloudflare, type CloudflareApi } from "./deploy/cloudflare-api.ts";
import { deployedIds, readVersion, type ScriptVersion } from "./deploy/deployed-script.ts";
import { GATEWAY_CONFIG, readNames, TENANT_CONFIG } from "./deploy/deployment.ts";
import { mark, print } from "./deploy/report.ts";
import { requireWrangler } from "./deploy/wrangler.ts";
import { withFolderLock } from "./folder-lock.mjs";
import { downloadFolder } from "./paths.ts";
import { exitWith, say, ScriptError } from "./script-error.ts";

const HELP = `npm run rollback [-- --tenant] [version]
  version    id of a version (npx wrangler versions list); the one before this one if left out
  --tenant   the tenant script instead of the gateway: open chats are cut once and come back`;

async function rollback(ofTenant: boolean, wanted: string | undefined): Promise<void> {
  const { names, accountId } = await readNames();
  const api = await openCloudflare(process.env, accountId);
  const name = ofTenant ? names.tenant : names.gateway;
  const target = await chooseVersion(api, name, wanted);
  say(`${name}: back to ${target.id}, made ${target.createdAt}`);
  const args = [
    "rollback",
    target.id,
    "--config",
    ofTenant ? TENANT_CONFIG : GATEWAY_CONFIG,
    "--message",
    "npm run rollback",
  ];
  // A version brings its own secrets back: wrangler asks about those that have changed since.
  const interactive = process.stdin.isTTY && process.stdout.isTTY;
  await requireWrangler(`roll ${name} back`, {
    args: interactive ? args : [...args, "--yes"],
    interactive,
    env: { CLOUDFLARE_ACCOUNT_ID: api.accountId },
  });
  print(mark(true, `${name} is at ${target.id}; npm run deploy goes forward again`));
}

/** @throws {ScriptError} rollback_refused */
async function chooseVersion(api: CloudflareApi, name: string, wanted: string | undefined): Promise<ScriptVersion> {
  const [now, ...before] = await deployedIds(api, name);
  const id = wanted ?? before[0];
  if (now === undefined || id === undefined) {
    throw new ScriptError("rollback_refused", `${name} has no version before this one to go back to`);
  }
  const [current, target] = await Promise.all([readVersion(api, name, now), readVersion(api, name, id)]);
  if (target.id === current.id) throw new ScriptError("rollback_refused", `${name} is at ${id} already`);
  if (target.migrationTag !== current.migrationTag) {
    const text = `${id} is of another migration of the objects (${target.migrationTag ?? "none"}, now ${current.migrationTag ?? "none"}): its code does not know what is stored. Go forward with a fix instead`;
    throw new ScriptError("rollback_refused", text);
  }
  return target;
}

async function main(): Promise<void> {
  const options = { tenant: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) return print(HELP);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
  const onWait = (pid: number | undefined) => say(`waiting for a deploy from this folder (pid ${pid ?? "?"})`);
  const lock = join(downloadFolder, "deploy.lock");
  await withFolderLock(lock, onWait, () => rollback(values.tenant ?? false, positionals[0]));
}

if (import.meta.main) await main().catch(exitWith);
