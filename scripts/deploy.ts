/**
 * `npm run deploy`: both scripts to Cloudflare, the tenant script first and only when it changed. What is deployed is
 * known at Cloudflare alone, so a run that was killed is simply made again. Exit codes: 0 deployed, 1 refused or failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Asking } from "./ask.ts";
import { buildScript } from "./deploy/built-script.ts";
import { openCloudflare, type CloudflareApi } from "./deploy/cloudflare-api.ts";
import { publishCustomDomains, requireOwnHosts } from "./deploy/custom-domains.ts";
import { readDeployed } from "./deploy/deployed-script.ts";
import { GATEWAY_CONFIG, readDeployment, TENANT_CONFIG, type Deployment } from "./deploy/deployment.ts";
import { collectSecrets, type NewSecrets } from "./deploy/needed-secrets.ts";
import { planDeploy, type Plan } from "./deploy/plan.ts";
import { mark, print, printBuilt, printPlan } from "./deploy/report.ts";
import { allHosts, isRouted } from "./deploy/sites.ts";
import { CHECKS, runCheck } from "./deploy/smoke-check.ts";
import { uploadScript } from "./deploy/upload.ts";
import { Zones } from "./deploy/zones.ts";
import { withFolderLock } from "./folder-lock.mjs";
import { downloadFolder } from "./paths.ts";
import { exitWith, say, ScriptError } from "./script-error.ts";

const HELP = `npm run deploy [-- --dry-run]
  --dry-run   checks the configuration, builds both scripts and tells what would change; only asks, changes nothing
Secrets that Cloudflare does not have yet are made, read from the environment by their names, or asked for.
CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID   as wrangler reads them; else npx wrangler login`;

async function deploy(dryRun: boolean): Promise<void> {
  const deployment = await readDeployment();
  const { length: tenants } = deployment.sites;
  print(mark(true, `configuration (2 scripts, ${tenants} tenant${tenants === 1 ? "" : "s"})`));
  for (const note of deployment.notes) print(`  · ${note}`);
  const api = await openCloudflare(process.env, deployment.accountId).catch((error: unknown) => {
    if (dryRun && error instanceof ScriptError && error.code === "not_signed_in") return error;
    throw error;
  });
  if (api instanceof ScriptError) {
    for (const built of Object.values(await buildBoth())) printBuilt(built);
    return print(`  · what would change is not known: ${api.message}`);
  }
  const { names } = deployment;
  await requireZones(api, deployment);
  await requireOwnHosts(api, names.gateway, customDomains(deployment));
  const [tenant, gateway] = await Promise.all([readDeployed(api, names.tenant), readDeployed(api, names.gateway)]);
  const secrets = dryRun ? undefined : await collect(gateway?.secretNames ?? [], deployment);
  const plan = planDeploy(await buildBoth(), { tenant, gateway }, deployment);
  if (secrets === undefined) return printPlan(plan, deployment);
  await change(api, plan, secrets, deployment);
}

async function buildBoth() {
  const both = [buildScript(TENANT_CONFIG, "tenant"), buildScript(GATEWAY_CONFIG, "gateway")] as const;
  const [tenant, gateway] = await Promise.all(both);
  return { tenant, gateway };
}

/** Hosts that no route of wrangler.toml brings. */
function customDomains({ sites, routes }: Deployment): string[] {
  return allHosts(sites).filter((host) => !isRouted(host, routes));
}

/** From here on Cloudflare is changed. Every step may be the last one: the next run finds out and goes on. */
async function change(api: CloudflareApi, plan: Plan, secrets: NewSecrets, deployment: Deployment): Promise<void> {
  const { tenant, gateway } = plan;
  for (const name of plan.droppedVars) print(`  · ${name}: a variable set in the dashboard; this deploy removes it`);
  if (tenant.changed) {
    say(`deploying ${tenant.built.name}${tenant.exists ? ": open chats are cut once and come back" : ""}`);
    await uploadScript(tenant.built, tenant.newSecrets, api);
  }
  print(
    mark(
      true,
      `${tenant.built.name} ${tenant.changed ? "deployed" : "unchanged since it was deployed: left alone, no chat is cut"}`,
    ),
  );
  say(`deploying ${gateway.built.name}`);
  await uploadScript(gateway.built, secrets.values, api);
  print(mark(true, describeSecrets(secrets, Object.keys(tenant.newSecrets))));
  const { added, removed } = await publishCustomDomains(api, gateway.built.name, customDomains(deployment));
  print(
    mark(
      true,
      `${gateway.built.name} → ${allHosts(deployment.sites)
        .map((host) => `https://${host}`)
        .join(" ")}`,
    ),
  );
  for (const host of removed) print(`  · ${host} leads here no longer`);
  await smokeCheck(deployment, added);
  printNext(deployment);
}

async function requireZones(api: CloudflareApi, { sites }: Deployment): Promise<void> {
  const zones = new Zones(api);
  for (const host of allHosts(sites)) await zones.require(host);
}

async function collect(presentSecrets: string[], { vars, tenantsFile }: Deployment): Promise<NewSecrets> {
  if (!process.stdin.isTTY) return collectSecrets(vars, tenantsFile, presentSecrets, { env: process.env });
  const asking = new Asking();
  const ask = (name: string) => asking.askHidden(`${name} (not shown, goes to Cloudflare only)?`);
  try {
    return await collectSecrets(vars, tenantsFile, presentSecrets, { env: process.env, ask });
  } finally {
    asking.close();
  }
}

function describeSecrets({ made, given }: NewSecrets, ofTenant: string[]): string {
  const all = [...[...made, ...ofTenant].map((name) => `${name} made`), ...given.map((name) => `${name} set`)];
  return `secrets: ${all.length === 0 ? "all there, left as they are" : all.join(", ")}`;
}

/** @throws {ScriptError} smoke_check_failed: the deploy itself stands */
async function smokeCheck({ sites }: Deployment, newHosts: string[]): Promise<void> {
  let faults = 0;
  for (const host of allHosts(sites)) {
    const results: string[] = [];
    for (const check of CHECKS) {
      const fault = await runCheck(host, check, newHosts.includes(host));
      results.push(mark(fault === null, check.name + (fault === null ? "" : `: ${fault}`)));
      if (fault === null) continue;
      faults += 1;
      // What is wrong with the first is wrong with the rest.
      break;
    }
    print(`  ${host}:${results.join("")}`);
  }
  if (faults === 0) return;
  throw new ScriptError("smoke_check_failed", "deployed, but not in order yet: see above; npm run deploy checks again");
}

function printNext({ sites }: Deployment): void {
  for (const { hosts, consoleHost } of sites) {
    const [host] = hosts;
    print(`\nNext, on the computer that runs OpenClaw, as the user that runs it (Node 22 or newer):`);
    print(`  curl -fsS https://${host}/_gate/agent.mjs -o tidegate-agent.mjs`);
    print(`  node tidegate-agent.mjs setup https://${host}`);
    if (consoleHost !== null) print(`  an administrator approves it at https://${consoleHost}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help) return print(HELP);
  // Ends wrangler, and gives the lock back.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
  const lock = join(downloadFolder, "deploy.lock");
  const onWait = (pid: number | undefined) => say(`waiting for another deploy from this folder (pid ${pid ?? "?"})`);
  await withFolderLock(lock, onWait, () => deploy(values["dry-run"] ?? false));
}

if (import.meta.main) await main().catch(exitWith);
