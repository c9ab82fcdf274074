/** What is known about well-known providers, so that configuration names one, a client and a secret. */
import type { ProviderSettings } from "./provider-settings.ts";

export type Preset = "google" | "entra" | "okta" | "auth0" | "keycloak" | "oidc" | "github";

type Known = Omit<ProviderSettings, "id" | "issuer" | "clientId" | "clientAuth">;

const GENERIC: Known = {
  kind: "oidc",
  label: "Single sign-on",
  scopes: ["openid", "email", "profile"],
  algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
  entraTenants: null,
  groupsClaim: null,
  emailDomains: null,
  acrValues: [],
  maxAgeSeconds: null,
  prompt: null,
  claimHosts: [],
};

const KNOWN: Record<Preset, Partial<Known>> = {
  google: { label: "Google", algorithms: ["RS256"] },
  // Beyond 200 groups Entra sends an address instead of a list.
  entra: { label: "Microsoft", algorithms: ["RS256"], groupsClaim: "groups", claimHosts: ["graph.microsoft.com"] },
  okta: {
    label: "Okta",
    scopes: ["openid", "email", "profile", "groups"],
    groupsClaim: "groups",
    algorithms: ["RS256"],
  },
  auth0: { label: "Auth0", algorithms: ["RS256"] },
  keycloak: { label: "Keycloak", groupsClaim: "groups" },
  oidc: {},
  github: { kind: "github", label: "GitHub", scopes: ["read:user", "user:email"], algorithms: [] },
};

/** Issuers as each provider spells them: Auth0's ends with a slash, the others' do not. */
export const ISSUERS: Partial<Record<Preset, string>> = {
  google: "https://accounts.google.com",
  github: "https://github.com",
};

/** @returns settings with the preset's values wherever `own` says nothing */
export function fromPreset(
  preset: Preset,
  own: Pick<ProviderSettings, "id" | "clientId" | "clientAuth"> & Partial<ProviderSettings>,
): ProviderSettings {
  return { ...GENERIC, ...KNOWN[preset], issuer: ISSUERS[preset] ?? "", ...own };
}
