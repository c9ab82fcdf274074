/** The whole configuration, read once at the start: every problem at once, by name, never by value. */
import { envTexts, pickTexts, reportUnknownNames } from "./env-texts.ts";
import { ConfigError, Problems, type ConfigProblem } from "./problem.ts";
import { readTenant, type ReadTenant } from "./read-tenant.ts";
import { readEntries } from "./schema.ts";
import { tenantSites, type Tenant } from "./tenant.ts";
import { reportConflicts } from "./tenant-conflicts.ts";
import type { TenantDocument } from "./tenant-document.ts";
import { openTenantSource } from "./tenant-source.ts";
import { deployment, parseStubUsers, type StubUser } from "./variables.ts";

export interface Config {
  mode: "stub" | "oidc" | "native";
  development: boolean;
  /** First signs, all verify. */
  sessionSecrets: string[];
  stubUsers: StubUser[];
  /** One per tenant and host; never empty. */
  tenants: Tenant[];
}

export interface CheckedConfig {
  /** Absent when there are problems. */
  config?: Config;
  problems: readonly ConfigProblem[];
  /** Names of the secrets that are read, whether they are there or not. */
  secretNames: string[];
  /** Names of secrets that nothing reads. */
  unusedSecrets: string[];
}

/** @throws {ConfigError} naming everything that is wrong */
export function parseConfig(env: Record<string, unknown>, tenantsFile?: unknown): Config {
  const { config, problems } = checkConfig(env, tenantsFile);
  if (config === undefined) throw new ConfigError(problems);
  return config;
}

/**
 * @param env the Worker's bindings; other things than texts (an object's namespace) are not looked at
 * @param tenantsFile the content of config/tenants.json; while it lists none, the shorthand variables are the document
 */
export function checkConfig(env: Record<string, unknown>, tenantsFile?: unknown): CheckedConfig {
  const problems = new Problems();
  const texts = envTexts(env);
  const secretNames = new Set(["SESSION_SECRET"]);
  const settings = readEntries(deployment, pickTexts(texts, deployment), ([name], expected) =>
    problems.add(String(name), expected),
  );
  const mode = settings.AUTHSEC_MODE;
  const development = settings.ENVIRONMENT === "development";
  const source = openTenantSource(texts, tenantsFile, { mode, development }, problems);
  const read = source.tenants.map(({ raw, report }) =>
    readTenant(raw, {
      development,
      report,
      secret(name) {
        secretNames.add(name);
        return texts[name];
      },
      reportSecret: (name, expected) => problems.add(name, expected),
    }),
  );
  reportConflicts(read);
  if (mode === "oidc") reportNoProvider(read);
  const unusedSecrets = reportUnknownNames(texts, secretNames, problems);
  const checked = { problems: problems.list, secretNames: [...secretNames], unusedSecrets };
  const secrets = settings.SESSION_SECRET;
  if (problems.list.length > 0 || mode === undefined || secrets === undefined) return checked;
  const tenants = read.flatMap(({ document, providers }) =>
    // Nothing was reported, so every entry is there.
    tenantSites(document as TenantDocument, providers, source.schemeOf),
  );
  const stubUsers = parseStubUsers(settings.STUB_USERS ?? "");
  return { ...checked, config: { mode, development, sessionSecrets: secrets.split(","), stubUsers, tenants } };
}

function reportNoProvider(read: readonly ReadTenant[]): void {
  for (const { document, report } of read) {
    if (document.providers?.length === 0)
      report(["providers"], "at least one provider, because people sign in with oidc");
  }
}
