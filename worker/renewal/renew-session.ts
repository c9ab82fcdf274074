/** Asks a session's provider again and tells the object what it said. Whoever holds the lease is alone with it. */
import type { Renewal, RenewalOutcome } from "../../durable-objects/rpc.ts";
import type { Tenant } from "../config/tenant.ts";
import type { Deps, SignInAdapter } from "../context.ts";
import { SignInError } from "../oidc/sign-in-error.ts";

/** Which tenant's session, in which of its objects; by the id in a cookie, or by that id's hash. */
export interface RenewableSession {
  tenant: Tenant;
  shard: number;
  name: { id: string } | { hash: string };
}

/** Returns when the object has the answer, or when there was nothing to ask. */
export async function renewSession(deps: Deps, adapter: SignInAdapter, session: RenewableSession): Promise<void> {
  const { tenant, shard, name } = session;
  const begun = await deps.tenantObject(tenant.id, shard).beginRenewal(tenant.call, name);
  if (!begun.ok || begun.value === null) return;
  const renewal = begun.value;
  const { outcome, reason } = await askProvider(adapter, tenant, renewal);
  if (reason !== null) {
    deps.log({ event: `renewal.${outcome.type}`, tenant: tenant.id, provider: renewal.provider, reason });
  }
  const finished = await deps.tenantObject(tenant.id, shard).finishRenewal(tenant.call, renewal.lease, outcome);
  if (finished.ok || outcome.refreshToken === null) return;
  // The session ended meanwhile, with the former token: the one that took its place would live on, unknown to anybody.
  const { provider, issuer } = renewal;
  await adapter.revoke?.(tenant, { provider, issuer, refreshToken: outcome.refreshToken });
}

interface Answer {
  outcome: RenewalOutcome;
  /** For the log; null when all is well. */
  reason: string | null;
}

async function askProvider(adapter: SignInAdapter, tenant: Tenant, renewal: Renewal): Promise<Answer> {
  // Rotated in the middle: kept whatever becomes of the rest, because the provider takes the former one no more.
  let { refreshToken } = renewal;
  const rotated = (token: string) => void (refreshToken = token);
  try {
    if (adapter.renew === undefined) throw new SignInError("not_supported");
    const { identity, role } = await adapter.renew(tenant, { ...renewal, rotated });
    if (role === null) return { outcome: { type: "refused", refreshToken }, reason: "not_allowed" };
    const { issuer, subject, email, name, groups } = identity;
    const verified = { issuer, subject, email, name, groups, role };
    return { outcome: { type: "verified", identity: verified, refreshToken }, reason: null };
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    const { code, reason } = error;
    if (code === "provider_down") return { outcome: { type: "provider_down", refreshToken }, reason };
    const spent = reason === "code_refused" ? null : refreshToken;
    return { outcome: { type: "refused", refreshToken: spent }, reason };
  }
}
