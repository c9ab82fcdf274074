import { BUILD_FLAGS, type BuiltScript } from "./built-script.ts";
import type { CloudflareApi } from "./cloudflare-api.ts";
import { BUILD_VARIABLE } from "./deployed-script.ts";
import { TENANT_CONFIG } from "./deployment.ts";
import { requireWrangler } from "./wrangler.ts";

/**
 * Uploads a script with its new secrets as one version: it never runs without them.
 * @throws {ScriptError} wrangler_failed
 */
export async function uploadScript(
  { name, config, build }: BuiltScript,
  secrets: Record<string, string>,
  { accountId }: CloudflareApi,
): Promise<void> {
  const ofTenant = config === TENANT_CONFIG;
  const args = ["deploy", "--config", config, ...BUILD_FLAGS, "--tag", build, "--message", `tidegate ${build}`];
  await requireWrangler(`deploy ${name}`, {
    // The gateway's unknown variables are errors to itself, so only the tenant script carries its build.
    args: ofTenant ? [...args, "--var", `${BUILD_VARIABLE}:${build}`] : args,
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    // Given by name for this command; wrangler has no use for them.
    env: {
      ...Object.fromEntries(Object.keys(secrets).map((secret) => [secret, undefined])),
      CLOUDFLARE_ACCOUNT_ID: accountId,
    },
  });
}
