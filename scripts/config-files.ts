import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { ConfigProblem } from "../worker/config/problem.ts";
import { TENANTS_FILE } from "../worker/config/tenant-source.ts";

/** What is configured in files of the checkout; what could not be read is a problem and left out. */
export interface ConfigFiles {
  /** `[vars]` of wrangler.toml. */
  vars: Record<string, unknown>;
  /** .dev.vars: secrets, and variables of this computer. */
  devVars: Record<string, string>;
  tenantsFile: unknown;
  problems: ConfigProblem[];
}

/** The parsers' own messages quote the file, so none of them is passed on. */
export async function readConfigFiles(folder: string): Promise<ConfigFiles> {
  const problems: ConfigProblem[] = [];
  const devVars = join(folder, ".dev.vars");
  return {
    vars: await readVars(join(folder, "wrangler.toml"), problems),
    devVars: existsSync(devVars) ? (parseEnv(readFileSync(devVars, "utf8")) as Record<string, string>) : {},
    tenantsFile: readTenants(join(folder, TENANTS_FILE), problems),
    problems,
  };
}

async function readVars(path: string, problems: ConfigProblem[]): Promise<Record<string, unknown>> {
  // Loaded late: it takes a second, and the documentation needs none of it.
  const { experimental_readRawConfig: readRawConfig } = await import("wrangler");
  try {
    return { ...readRawConfig({ config: path }).rawConfig.vars };
  } catch {
    problems.push({ name: "wrangler.toml", expected: "a file that wrangler can read" });
    return {};
  }
}

function readTenants(path: string, problems: ConfigProblem[]): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    problems.push({ name: TENANTS_FILE, expected: 'a JSON file; {"tenants": []} is enough' });
    return undefined;
  }
}
