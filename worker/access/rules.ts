/** Who a tenant's document names: the shape that {@link decideAccess} judges by. */
import type { Role } from "#protocol/identity.ts";

/** Any one match is enough; an empty rule matches nobody. */
export interface People {
  /** Normalized addresses (`normalizeEmail`). */
  emails: string[];
  /** Normalized domains (`normalizeDomain`), exactly: not their sub-domains. */
  domains: string[];
  groups: GroupRule[];
  claims: ClaimRule[];
}

/** `provider` null: whichever provider says so; only sound while the tenant has a single one. */
export interface GroupRule {
  group: string;
  provider: string | null;
}

export interface ClaimRule {
  claim: string;
  value: string;
  provider: string | null;
}

export interface AccessRules {
  /** Who may come in. */
  allow: People;
  /** Who comes in as administrator; needs no entry in `allow`. */
  admins: People;
  /** What those who may come in are; never lets anybody in. The highest match wins. */
  roles: (People & { role: Role })[];
}

/**
 * Claims that say how a person calls themselves. Many providers let people edit them, and an unverified address is
 * among them: none may decide who comes in. Verified addresses are matched by `emails` and `domains`.
 */
export const SELF_ASSERTED_CLAIMS: ReadonlySet<string> = new Set([
  "email",
  "email_verified",
  "preferred_username",
  "upn",
  "unique_name",
  "verified_primary_email",
  "verified_secondary_email",
  "name",
  "given_name",
  "family_name",
  "middle_name",
  "nickname",
  "login",
  "profile",
  "picture",
  "website",
  "gender",
  "birthdate",
  "zoneinfo",
  "locale",
  "phone_number",
  "address",
]);
