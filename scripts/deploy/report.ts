import { rootFolder } from "../paths.ts";
import { kibibytes, type BuiltScript } from "./built-script.ts";
import type { Deployment } from "./deployment.ts";
import { secretNames } from "./needed-secrets.ts";
import type { Plan } from "./plan.ts";
import { allHosts, isRouted } from "./sites.ts";

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function mark(good: boolean, text: string): string {
  return `  ${good ? "✓" : "✗"} ${text}`;
}

export function printBuilt({ name, build, files }: BuiltScript): void {
  for (const { path, bytes, gzipBytes } of files) {
    const sizes = `${kibibytes(bytes)}, gzip ${kibibytes(gzipBytes)}`;
    print(mark(true, `${name} build ${build}: ${path.slice(rootFolder.length + 1)} ${sizes}`));
  }
}

/** What a deploy would do now, and the lines that do the same by hand. */
export function printPlan({ tenant, gateway, presentSecrets, droppedVars }: Plan, deployment: Deployment): void {
  printBuilt(tenant.built);
  printBuilt(gateway.built);
  const absent = secretNames(deployment.vars, deployment.tenantsFile).filter((name) => !presentSecrets.includes(name));
  const hosts = allHosts(deployment.sites);
  const domains = hosts.filter((host) => !isRouted(host, deployment.routes));
  print("Would change:");
  print(
    `  ${tenant.built.name}: ${tenant.changed ? (tenant.exists ? "deployed, open chats are cut once and come back" : "made") : "nothing"}`,
  );
  for (const name of Object.keys(tenant.newSecrets)) print(`  ${name}: made`);
  print(`  ${gateway.built.name}: ${gateway.exists ? "deployed again" : "made"}`);
  for (const name of absent)
    print(`  ${name}: ${name === "SESSION_SECRET" ? "made" : "read from the environment, or asked for"}`);
  for (const name of droppedVars) print(`  ${name}: removed, a variable set in the dashboard`);
  print(`  answers on: ${hosts.map((host) => `https://${host}`).join(" ")}`);
  print("By hand:");
  print(`  npx wrangler deploy -c ${tenant.built.config} --minify`);
  print(`  npx wrangler deploy --minify${domains.length === 0 ? "" : ` --domains ${domains.join(" ")}`}`);
}
