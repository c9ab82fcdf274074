/** A provider's metadata (OpenID Connect Discovery 1.0 section 4), fetched when needed and believed for ten minutes. */
import type { AuthorizationServer } from "oauth4webapi";
import type { OutboundFetch } from "./outbound-fetch.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import { orFail, SignInError } from "./sign-in-error.ts";

const FRESH_MS = 10 * 60_000;
const ENTRA_TEMPLATE = "{tenantid}";

export class Metadata {
  #settings: ProviderSettings;
  #fetch: OutboundFetch;
  #now: () => number;
  #known: { server: AuthorizationServer; at: number } | undefined;

  constructor(settings: ProviderSettings, fetch: OutboundFetch, now: () => number) {
    this.#settings = settings;
    this.#fetch = fetch;
    this.#now = now;
  }

  /** @throws {SignInError} discovery_failed | discovery_mismatch | provider_* */
  async get(): Promise<AuthorizationServer> {
    // Values are kept, never promises: one request may not wait for another's I/O in this runtime.
    if (this.#known !== undefined && this.#now() - this.#known.at < FRESH_MS) return this.#known.server;
    const { issuer } = this.#settings;
    const response = await this.#fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
      headers: { accept: "application/json" },
    });
    const server = await orFail("discovery_failed", async () => {
      if (response.status !== 200) throw new SignInError("discovery_failed");
      return (await response.json()) as AuthorizationServer | null;
    });
    if (typeof server?.issuer !== "string") throw new SignInError("discovery_failed");
    if (server.issuer !== expectedIssuer(this.#settings)) throw new SignInError("discovery_mismatch");
    this.#known = { server, at: this.#now() };
    return server;
  }
}

/** Byte for byte what was asked for, except at Entra's common issuers, which answer with a template (facts/security D9). */
function expectedIssuer({ issuer, entraTenants }: ProviderSettings): string {
  if (entraTenants === null) return issuer;
  return issuer.replace(/^(https:\/\/[^/]+\/)(common|organizations|consumers)(\/|$)/, `$1${ENTRA_TEMPLATE}$3`);
}

/**
 * The issuer that an ID token must name.
 * @param tenant the token's `tid`, not verified yet: what it leads to is compared with the verified `iss`
 * @throws {SignInError} id_token_tenant when the tenant is not on the list
 */
export function tokenIssuer(settings: ProviderSettings, server: AuthorizationServer, tenant: unknown): string {
  if (settings.entraTenants === null) return server.issuer;
  if (typeof tenant !== "string" || !settings.entraTenants.includes(tenant)) throw new SignInError("id_token_tenant");
  return server.issuer.replace(ENTRA_TEMPLATE, () => tenant);
}
