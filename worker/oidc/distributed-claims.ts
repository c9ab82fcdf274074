/**
 * Groups that the provider keeps elsewhere (OpenID Connect Core section 5.6.2; Entra beyond 200 groups). Only the groups
 * claim is looked up, only at hosts that configuration names: the request carries a token. Whatever cannot be resolved
 * is absent, so that rules about groups fail closed.
 */
import { decodeJwt } from "jose";
import type { Claims } from "./claims.ts";
import type { OutboundFetch } from "./outbound-fetch.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import { SignInError } from "./sign-in-error.ts";

const GRAPH_HOST = "graph.microsoft.com";
/** Retired by Microsoft, still named in Entra's tokens. */
const LEGACY_GRAPH_HOST = "graph.windows.net";

export interface ClaimSource {
  settings: ProviderSettings;
  accessToken: string;
  fetch: OutboundFetch;
  /** Checks a JWT of the provider itself; rejects any other. */
  verify: (jws: string) => Promise<unknown>;
  /** A source that is slow or gone is an error instead of no groups. */
  mustAnswer: boolean;
}

/**
 * @returns the groups claim's value from its source, or undefined when there is none, or none that can be believed
 * @throws {SignInError} provider_*, only when it must answer
 */
export async function findGroupsElsewhere(claims: Claims, source: ClaimSource): Promise<unknown> {
  const name = source.settings.groupsClaim;
  if (name === null || claims[name] !== undefined) return undefined;
  const reference = asObject(claims["_claim_names"])[name];
  if (typeof reference !== "string") return undefined;
  const found = asObject(asObject(claims["_claim_sources"])[reference]);
  try {
    if (typeof found["JWT"] === "string") return await aggregated(found["JWT"], name, source);
    if (typeof found["endpoint"] === "string") return await distributed(found, name, source);
  } catch (error) {
    if (source.mustAnswer && error instanceof SignInError && error.code === "provider_down") throw error;
    // Slow, gone, or not to be believed: no groups, and sign-in goes on.
  }
  return undefined;
}

/** The JWT travels inside the provider's own token; its signature must be the provider's too. */
async function aggregated(jws: string, name: string, { verify, settings }: ClaimSource): Promise<unknown> {
  await verify(jws);
  const claims = decodeJwt(jws);
  return claims.iss === undefined || claims.iss === settings.issuer ? claims[name] : undefined;
}

async function distributed(found: Claims, name: string, source: ClaimSource): Promise<unknown> {
  const url = URL.parse(String(found["endpoint"]));
  if (url === null) return undefined;
  if (url.host === LEGACY_GRAPH_HOST || url.host === GRAPH_HOST) return graphGroups(url, source);
  if (!source.settings.claimHosts.includes(url.host)) return undefined;
  // The source's own token or none: ours is for our provider's host only.
  const token = typeof found["access_token"] === "string" ? found["access_token"] : undefined;
  const headers = {
    accept: "application/jwt, application/json",
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  const response = answered(await source.fetch(url.href, { headers }));
  if (response.status !== 200) return undefined;
  if (response.headers.get("content-type")?.startsWith("application/json"))
    return asObject(await response.json())[name];
  // Who signs it is not ours to know: the host on our list vouches for it, over TLS.
  return decodeJwt(await response.text())[name];
}

/** Microsoft Graph instead of the address in the token: `getMemberObjects` of the same user, with the user's token. */
async function graphGroups(url: URL, { settings, accessToken, fetch }: ClaimSource): Promise<unknown> {
  const user = /\/users\/([0-9a-f-]{36})\/getMemberObjects$/i.exec(url.pathname)?.[1];
  if (user === undefined || !settings.claimHosts.includes(GRAPH_HOST)) return undefined;
  const headers = {
    authorization: `Bearer ${accessToken}`,
    "content-type": "application/json",
    accept: "application/json",
  };
  const body = JSON.stringify({ securityEnabledOnly: false });
  const address = `https://${GRAPH_HOST}/v1.0/users/${user}/getMemberObjects`;
  const response = answered(await fetch(address, { method: "POST", headers, body }));
  return response.status === 200 ? asObject(await response.json())["value"] : undefined;
}

/** @throws {SignInError} provider_answer_bad when it says "not now" */
function answered(response: Response): Response {
  if (response.status >= 500 || response.status === 429) throw new SignInError("provider_answer_bad");
  return response;
}

function asObject(value: unknown): Claims {
  return typeof value === "object" && value !== null ? (value as Claims) : {};
}
