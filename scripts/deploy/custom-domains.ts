import { ScriptError } from "../script-error.ts";
import { printable, type CloudflareApi } from "./cloudflare-api.ts";

interface Changeset {
  added: { hostname: string }[];
  removed: { hostname: string }[];
  updated: { hostname: string; modified?: boolean }[];
  /** A DNS record stands in the way. */
  conflicting: { hostname: string }[];
}

export interface DomainChanges {
  added: string[];
  removed: string[];
}

/** @throws {ScriptError} host_taken when a host is another Worker's */
export async function requireOwnHosts(api: CloudflareApi, script: string, hosts: string[]): Promise<void> {
  const owners = await api.inAccount<{ hostname: string; service: string }[]>("/workers/domains");
  for (const { hostname, service } of owners) {
    if (service === script || !hosts.includes(hostname)) continue;
    const text = `${hostname} belongs to another Worker, ${printable(service)}: take it away there first (Workers, Settings, Domains & Routes)`;
    throw new ScriptError("host_taken", text);
  }
}

/**
 * Makes the gateway answer on exactly these hosts. This is the one change that does not go through wrangler: where
 * nobody sits at a terminal, wrangler takes a host away from another Worker, and an existing DNS record away from
 * whatever it led to, without asking. Here both are refused, by us and again by Cloudflare.
 * @throws {ScriptError} host_taken
 */
export async function publishCustomDomains(
  api: CloudflareApi,
  script: string,
  hosts: string[],
): Promise<DomainChanges> {
  const path = `/workers/scripts/${script}/domains`;
  const origins = hosts.map((hostname) => ({ hostname }));
  const changes = await api.inAccount<Changeset>(`${path}/changeset?replace_state=true`, {
    method: "POST",
    body: origins,
  });
  const [conflict] = changes.conflicting;
  if (conflict !== undefined) {
    const text = `${conflict.hostname} has a DNS record already, which leads elsewhere: delete it in the dashboard (DNS), then npm run deploy again; the record for the gateway is made by itself`;
    throw new ScriptError("host_taken", text);
  }
  const added = changes.added.map(({ hostname }) => hostname);
  const removed = changes.removed.map(({ hostname }) => hostname);
  if (added.length + removed.length + changes.updated.filter(({ modified }) => modified).length > 0) {
    const overrides = { override_scope: true, override_existing_origin: false, override_existing_dns_record: false };
    await api.inAccount(`${path}/records`, { method: "PUT", body: { ...overrides, origins } });
  }
  return { added, removed };
}
