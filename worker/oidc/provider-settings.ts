/** What configuration says about one provider, and what a verified sign-in says about a person: the seams of sign-in. */
import type { Role } from "#protocol/identity.ts";

export type SignatureAlgorithm = "RS256" | "PS256" | "ES256" | "EdDSA";

export interface ProviderSettings {
  /** `[a-z0-9-]{1,32}`; in the redirect URI `/_gate/callback/<id>`. */
  id: string;
  kind: "oidc" | "github";
  label: string;
  /** Byte for byte as the provider spells it (trailing slash kept). For github: "https://github.com". */
  issuer: string;
  clientId: string;
  clientAuth:
    | { method: "client_secret_basic" | "client_secret_post"; secret: string }
    | { method: "private_key_jwt"; key: JsonWebKey; algorithm: SignatureAlgorithm; keyId: string | null };
  scopes: string[];
  algorithms: SignatureAlgorithm[];
  /** Entra's common issuers: tenant ids that may sign in; null elsewhere. */
  entraTenants: string[] | null;
  /** Claim that lists groups, or null. */
  groupsClaim: string | null;
  /** Domains whose e-mail addresses this provider may speak for; null: any, when `email_verified`. */
  emailDomains: string[] | null;
  acrValues: string[];
  maxAgeSeconds: number | null;
  prompt: "login" | "select_account" | "consent" | null;
  /** Hosts that distributed claims (group overage) may be fetched from. */
  claimHosts: string[];
}

/** A verified sign-in before access rules. */
export interface VerifiedIdentity {
  provider: string;
  issuer: string;
  subject: string;
  /** Verified and lower-case, else null. */
  email: string | null;
  name: string | null;
  groups: string[];
  claims: Record<string, unknown>;
  providerSessionId: string | null;
  /** Empty for a provider that has none (GitHub). */
  idToken: string;
  refreshToken: string | null;
}

/** Decides who may come in, and as what; null: nobody by default. Implemented by worker/access/. */
export type Admit = (identity: VerifiedIdentity) => { role: Role } | null;
