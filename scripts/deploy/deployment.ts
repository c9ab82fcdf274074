import { join } from "node:path";
import { isRecord } from "../../worker/config/schema.ts";
import { checkFolder } from "../config-check.ts";
import { readConfigFiles } from "../config-files.ts";
import { rootFolder } from "../paths.ts";
import { ScriptError } from "../script-error.ts";
import { secretNames } from "./needed-secrets.ts";
import { sitesOf, type Site } from "./sites.ts";

export const GATEWAY_CONFIG = "wrangler.toml";
export const TENANT_CONFIG = "durable-objects/wrangler.toml";

/** What the checkout says is to be deployed; checked, but for the secrets. */
export interface Deployment {
  notes: string[];
  vars: Record<string, unknown>;
  tenantsFile: unknown;
  sites: Site[];
  /** Of wrangler.toml, such as `*.gw.example.com/*`. */
  routes: string[];
  accountId: string | undefined;
  names: ScriptNames;
}

interface RawConfig {
  name?: string;
  account_id?: string;
  routes?: (string | Route)[];
}

interface Route {
  pattern: string;
  custom_domain?: boolean;
}

export interface ScriptNames {
  tenant: string;
  gateway: string;
}

/** The scripts' names at Cloudflare, and the account if wrangler.toml names it. */
export async function readNames(): Promise<{ names: ScriptNames; accountId: string | undefined }> {
  const [tenant, gateway] = [await readToml(TENANT_CONFIG), await readToml(GATEWAY_CONFIG)];
  return { names: { tenant: tenant.name ?? "", gateway: gateway.name ?? "" }, accountId: gateway.account_id };
}

async function readToml(config: string): Promise<RawConfig> {
  // Loaded late: it takes a second.
  const { experimental_readRawConfig: readRawConfig } = await import("wrangler");
  return readRawConfig({ config: join(rootFolder, config) }).rawConfig as RawConfig;
}

/** @throws {ScriptError} config_invalid, naming everything that is wrong */
export async function readDeployment(): Promise<Deployment> {
  const { problems: found, notes } = await checkFolder(rootFolder, { withoutSecrets: true });
  const { vars, tenantsFile } = await readConfigFiles(rootFolder);
  // The secrets of .dev.vars are this computer's; those that are deployed are judged when they are collected.
  const local = secretNames(vars, tenantsFile);
  const problems = found.filter(({ name }) => !local.includes(name));
  if (problems.length > 0) {
    const lines = problems.map(({ name, expected }) => `\n  ${name}: ${expected}`).join("");
    const isFresh = noTenants(tenantsFile) && vars["OIDC_ISSUER"] === undefined;
    const hint = isFresh
      ? "nothing is configured yet: npm run setup asks for it. Missing:"
      : "the configuration is not good:";
    throw new ScriptError("config_invalid", hint + lines);
  }
  const routes = ((await readToml(GATEWAY_CONFIG)).routes ?? []).map((route): Route =>
    typeof route === "string" ? { pattern: route } : route,
  );
  if (routes.some((route) => route.custom_domain)) {
    const text =
      "wrangler.toml routes: no custom domains here, because config/tenants.json (or PUBLIC_URL) names the hosts";
    throw new ScriptError("config_invalid", text);
  }
  const sites = sitesOf(vars, tenantsFile);
  // Told for every deploy: config:check can only tell it where the secrets are.
  const empty = sites
    .filter(({ isOpen }) => !isOpen)
    .map(({ id }) => `tenant ${id}: nobody may come in, because nobody is allowed`);
  return {
    notes: [...new Set([...notes, ...empty])],
    vars,
    tenantsFile,
    sites,
    routes: routes.map(({ pattern }) => pattern),
    ...(await readNames()),
  };
}

function noTenants(file: unknown): boolean {
  return isRecord(file) && Array.isArray(file["tenants"]) && file["tenants"].length === 0;
}
