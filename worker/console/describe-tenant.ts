/** A tenant as its administrators may read it: what the document says, and no secret, by an allow-list of fields. */
import type { Tenant } from "../config/tenant.ts";

export function describeTenant(tenant: Tenant) {
  const { id, name, contact, notice, access, sessions, limits, policy, shards, agentKeys } = tenant;
  const providers = tenant.providers.map(({ id: provider, kind, label, issuer, clientId, scopes, emailDomains }) => ({
    id: provider,
    kind,
    label,
    issuer,
    clientId,
    scopes,
    emailDomains,
  }));
  const agents = [...agentKeys].map(([agent, publicKey]) => ({ id: agent, publicKey }));
  return { id, name, contact, notice, providers, access, sessions, limits, policy, shards, agents };
}
