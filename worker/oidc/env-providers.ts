/**
 * One provider and a short list of people from plain variables. A stand-in: the tenant document will bring providers
 * and access rules, and this file will go.
 */
import { ConfigError, type Env } from "../env.ts";
import { isAllowed } from "./outbound-fetch.ts";
import { fromPreset } from "./presets.ts";
import type { Admit, ProviderSettings } from "./provider-settings.ts";

export interface SignInSettings {
  providers: ProviderSettings[];
  admit: Admit;
}

/** @throws {ConfigError} naming every bad variable */
export function signInFromEnv(env: Env, development: boolean): SignInSettings {
  const bad: string[] = [];
  const text = (name: string): string => {
    const value = env[name];
    return typeof value === "string" ? value.trim() : "";
  };
  const issuer = text("OIDC_ISSUER");
  const clientId = text("OIDC_CLIENT_ID");
  const secret = text("OIDC_CLIENT_SECRET");
  const url = URL.parse(issuer);
  if (url === null || !isAllowed(url, development) || url.search !== "" || url.hash !== "") bad.push("OIDC_ISSUER");
  if (clientId === "") bad.push("OIDC_CLIENT_ID");
  if (secret === "") bad.push("OIDC_CLIENT_SECRET");
  const clientAuth = clientAuthFrom(text("OIDC_CLIENT_AUTH") || "client_secret_basic", secret);
  if (clientAuth === undefined) bad.push("OIDC_CLIENT_AUTH");
  if (clientAuth === undefined || bad.length > 0) throw new ConfigError(bad);
  const label = url?.host ?? "";
  return {
    providers: [fromPreset("oidc", { id: "oidc", label, issuer, clientId, clientAuth })],
    admit: admitFrom(list(text("ALLOW_EMAILS")), list(text("ALLOW_DOMAINS")), list(text("ADMIN_EMAILS"))),
  };
}

/** Nobody by default; an address must be verified before any list is looked at. */
function admitFrom(emails: string[], domains: string[], admins: string[]): Admit {
  return ({ email }) => {
    if (email === null) return null;
    if (admins.includes(email)) return { role: "admin" };
    const domain = email.slice(email.indexOf("@") + 1);
    return emails.includes(email) || domains.includes(domain) ? { role: "user" } : null;
  };
}

function clientAuthFrom(method: string, secret: string): ProviderSettings["clientAuth"] | undefined {
  if (method === "client_secret_basic" || method === "client_secret_post") return { method, secret };
  if (method !== "private_key_jwt") return undefined;
  try {
    const key = JSON.parse(secret) as JsonWebKey & { kid?: string };
    const algorithm =
      key.kty === "OKP" ? "EdDSA" : key.kty === "EC" ? "ES256" : key.alg === "PS256" ? "PS256" : "RS256";
    return { method, key, algorithm, keyId: key.kid ?? null };
  } catch {
    return undefined;
  }
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "");
}
