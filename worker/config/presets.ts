/** What is the same for everybody at a provider. A document's own fields come before a preset's. */
import type { ProviderSettings } from "../oidc/provider-settings.ts";

export type PresetName = "google" | "entra" | "okta" | "auth0" | "keycloak" | "oidc" | "github";

export interface Preset extends Pick<
  ProviderSettings,
  "kind" | "label" | "scopes" | "algorithms" | "groupsClaim" | "prompt" | "claimHosts"
> {
  /** Null: every customer has their own. */
  issuer: string | null;
  clientSecretMethod: "client_secret_basic" | "client_secret_post";
}

const OIDC: Preset = {
  kind: "oidc",
  label: "Single sign-on",
  issuer: null,
  clientSecretMethod: "client_secret_basic",
  scopes: ["openid", "email", "profile"],
  algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
  groupsClaim: "groups",
  prompt: null,
  claimHosts: [],
};

export const PRESETS: Record<PresetName, Preset> = {
  google: {
    ...OIDC,
    label: "Google",
    issuer: "https://accounts.google.com",
    algorithms: ["RS256"],
    groupsClaim: null,
    // People have a private and a company account in one browser; without it the wrong one is denied again and again.
    prompt: "select_account",
  },
  entra: {
    ...OIDC,
    label: "Microsoft",
    // Entra gives a refresh token only for offline_access.
    scopes: [...OIDC.scopes, "offline_access"],
    algorithms: ["RS256"],
    // More than 200 groups do not fit a token: it then names Graph instead.
    claimHosts: ["graph.microsoft.com"],
  },
  okta: { ...OIDC, label: "Okta", algorithms: ["RS256", "PS256", "ES256"] },
  auth0: { ...OIDC, label: "Auth0", scopes: [...OIDC.scopes, "offline_access"], groupsClaim: null },
  keycloak: { ...OIDC, label: "Keycloak" },
  oidc: OIDC,
  github: {
    ...OIDC,
    kind: "github",
    label: "GitHub",
    issuer: "https://github.com",
    clientSecretMethod: "client_secret_post",
    scopes: ["read:user", "user:email"],
    algorithms: [],
    groupsClaim: null,
  },
};

/** @returns the preset that an issuer's host stands for; for the shorthand variables, which name none */
export function presetOf(issuer: string): PresetName {
  const url = URL.parse(issuer);
  const host = url?.hostname ?? "";
  if (host === "accounts.google.com") return "google";
  if (host === "github.com") return "github";
  if (host === "login.microsoftonline.com" || host === "sts.windows.net") return "entra";
  if (/\.okta(preview|-emea)?\.com$/.test(host)) return "okta";
  if (host.endsWith(".auth0.com")) return "auth0";
  return /\/realms\/[^/]+\/?$/.test(url?.pathname ?? "") ? "keycloak" : "oidc";
}
