import { singleTenantDocument } from "../../worker/config/single-tenant.ts";
import { tenant } from "../../worker/config/tenant-document.ts";
import { isRecord, readEntries } from "../../worker/config/schema.ts";

/** One tenant's addresses, of which the gateway is to be had. */
export interface Site {
  id: string;
  /** Host names, without ports. */
  hosts: string[];
  consoleHost: string | null;
  /** Whether anybody at all may come in. */
  isOpen: boolean;
}

/** @param tenantsFile a checked one; while it lists none, the shorthand variables are the only tenant */
export function sitesOf(vars: Record<string, unknown>, tenantsFile: unknown): Site[] {
  const listed =
    isRecord(tenantsFile) && Array.isArray(tenantsFile["tenants"]) ? (tenantsFile["tenants"] as unknown[]) : [];
  const texts = vars as Record<string, string | undefined>;
  const documents = listed.length > 0 ? listed : [singleTenantDocument(texts, true)];
  return documents.map((raw) => {
    const document = readEntries(tenant, raw, () => undefined);
    const { id = "", hosts = [], consoleHost = null, allow, admins } = document;
    return {
      id,
      hosts: hosts.map(hostName),
      consoleHost: consoleHost === null ? null : hostName(consoleHost),
      isOpen: [allow, admins].some((people) => Object.values(people ?? {}).some((list) => list.length > 0)),
    };
  });
}

/** @returns every host name once; tenants may share one */
export function allHosts(sites: readonly Site[]): string[] {
  return [
    ...new Set(sites.flatMap(({ hosts, consoleHost }) => (consoleHost === null ? hosts : [...hosts, consoleHost]))),
  ];
}

/**
 * Whether a route of wrangler.toml brings a host's requests already, such as `*.gw.example.com/*`.
 * @param patterns of routes that are no custom domains
 */
export function isRouted(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    // A route of a part of the paths brings not even sign-in.
    const [, name] = /^(?:https?:\/\/)?([^/]+)\/\*$/.exec(pattern) ?? [];
    return name?.startsWith("*") ? host.endsWith(name.slice(1)) : host === name;
  });
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "");
}
