import { ApiError, type CloudflareApi } from "./cloudflare-api.ts";

/** The variable that tells which build of the tenant script runs. */
export const BUILD_VARIABLE = "TENANT_BUILD";

/** No such script (10007), or none in this environment (10090). */
const NOT_FOUND = [10007, 10090];

export interface DeployedScript {
  /** The version that gets all requests; absent while none does, or while two share them. */
  version: ScriptVersion | undefined;
  secretNames: string[];
}

export interface ScriptVersion {
  id: string;
  createdAt: string;
  /** Plain variables by name; never a secret. */
  vars: Record<string, string>;
  /** Of Durable Objects: a version of another one cannot come back. */
  migrationTag: string | null;
}

interface RawVersion {
  id: string;
  metadata?: { created_on?: string };
  resources?: {
    bindings?: { type: string; name: string; text?: string }[];
    script_runtime?: { migration_tag?: string };
  };
}

interface RawDeployments {
  deployments: { created_on: string; versions: { version_id: string; percentage: number }[] }[];
}

/** @returns what runs now, or undefined when there is no such script. Whatever else goes wrong is thrown: nobody may take it for a first deploy. */
export async function readDeployed(api: CloudflareApi, name: string): Promise<DeployedScript | undefined> {
  try {
    const secrets = await api.inAccount<{ name: string }[]>(`/workers/scripts/${name}/secrets`);
    const [id] = await deployedIds(api, name);
    const version = id === undefined ? undefined : await readVersion(api, name, id);
    return { version, secretNames: secrets.map((secret) => secret.name) };
  } catch (error) {
    if (error instanceof ApiError && error.codes.some((code) => NOT_FOUND.includes(code))) return undefined;
    throw error;
  }
}

/** @returns ids of the versions that had all requests, newest first, each once; the first is the one now, if one has them all */
export async function deployedIds(api: CloudflareApi, name: string): Promise<(string | undefined)[]> {
  const { deployments } = await api.inAccount<RawDeployments>(`/workers/scripts/${name}/deployments`);
  const newestFirst = deployments.toSorted((one, other) => other.created_on.localeCompare(one.created_on));
  const whole = newestFirst.map(({ versions }) => versions.find(({ percentage }) => percentage === 100)?.version_id);
  return whole.filter((id, at) => at === 0 || (id !== undefined && whole.indexOf(id) === at));
}

export async function readVersion(api: CloudflareApi, name: string, id: string): Promise<ScriptVersion> {
  const { metadata, resources } = await api.inAccount<RawVersion>(`/workers/scripts/${name}/versions/${id}`);
  const texts = (resources?.bindings ?? []).filter(({ type }) => type === "plain_text");
  return {
    id,
    createdAt: metadata?.created_on ?? "",
    vars: Object.fromEntries(texts.map((binding) => [binding.name, binding.text ?? ""])),
    migrationTag: resources?.script_runtime?.migration_tag ?? null,
  };
}
