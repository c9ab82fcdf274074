import { ScriptError } from "../script-error.ts";
import type { BuiltScript } from "./built-script.ts";
import { BUILD_VARIABLE, type DeployedScript } from "./deployed-script.ts";
import { newKey } from "./needed-secrets.ts";

/** What a deploy will change; made before anything is. */
export interface Plan {
  tenant: { built: BuiltScript; exists: boolean; changed: boolean; newSecrets: Record<string, string> };
  gateway: { built: BuiltScript; exists: boolean };
  /** Of the gateway, by name. */
  presentSecrets: string[];
  /** Variables that only the deployed gateway has: wrangler removes them. */
  droppedVars: string[];
}

interface Built {
  tenant: BuiltScript;
  gateway: BuiltScript;
}

interface Deployed {
  tenant: DeployedScript | undefined;
  gateway: DeployedScript | undefined;
}

/** @throws {ScriptError} secret_missing when STORAGE_KEY was taken away: a new one would be somebody else's to every agent */
export function planDeploy(built: Built, { tenant, gateway }: Deployed, { vars }: { vars: object }): Plan {
  const runs = tenant?.version?.vars[BUILD_VARIABLE];
  const hasKey = tenant?.secretNames.includes("STORAGE_KEY") ?? false;
  if (runs !== undefined && !hasKey) {
    const text = `STORAGE_KEY is gone from ${built.tenant.name}. Put the old one back (npx wrangler secret put STORAGE_KEY -c durable-objects/wrangler.toml); with a new one every agent has to be enrolled again`;
    throw new ScriptError("secret_missing", text);
  }
  return {
    tenant: {
      built: built.tenant,
      exists: tenant !== undefined,
      changed: runs !== built.tenant.build,
      newSecrets: hasKey ? {} : { STORAGE_KEY: newKey() },
    },
    gateway: { built: built.gateway, exists: gateway !== undefined },
    presentSecrets: gateway?.secretNames ?? [],
    droppedVars: Object.keys(gateway?.version?.vars ?? {}).filter((name) => !Object.hasOwn(vars, name)),
  };
}
