/** From claims to a person: what may be believed of an e-mail, a name, and a list of groups. Pure. */
import { isUserString } from "#protocol/identity.ts";
import type { ProviderSettings } from "./provider-settings.ts";

const MAX_NAME_CHARACTERS = 128;
const MAX_GROUPS = 1_000;
const MAX_GROUP_CHARACTERS = 256;

export type Claims = Record<string, unknown>;

/** The ID token's word goes first: UserInfo is not signed. An e-mail and its verification come from one source. */
export function mergeClaims(idToken: Claims, userInfo: Claims): Claims {
  const merged = { ...userInfo, ...idToken };
  if (idToken["email"] === undefined) return merged;
  for (const name of ["email_verified", "xms_edov"]) {
    if (idToken[name] === undefined) delete merged[name];
  }
  return merged;
}

/**
 * @returns the lower-case address, or null: not an address, not verified, or of a domain that is not this provider's
 * to speak for (facts/security T10, D5). `preferred_username` and `upn` are never an address.
 */
export function verifiedEmail(settings: ProviderSettings, claims: Claims): string | null {
  const { email } = claims;
  if (typeof email !== "string") return null;
  const address = email.toLowerCase();
  if (!isUserString(address)) return null;
  const verified = isTrue(claims["email_verified"]) || isTrue(claims["xms_edov"]);
  // In anybody's Entra tenant anybody's address can be typed in: only Microsoft's own proof of the domain counts.
  if (settings.entraTenants !== null && !isTrue(claims["xms_edov"])) return null;
  if (settings.emailDomains === null) return verified ? address : null;
  const domain = address.slice(address.indexOf("@") + 1);
  if (!settings.emailDomains.some((own) => own.toLowerCase() === domain)) return null;
  // Authority over the domain stands in for a missing word, not for "no".
  return verified || claims["email_verified"] === undefined ? address : null;
}

export function displayName(claims: Claims): string | null {
  const { name, given_name: given, family_name: family } = claims;
  if (typeof name === "string" && name.trim() !== "") return name.trim().slice(0, MAX_NAME_CHARACTERS);
  const parts = [given, family].filter((part) => typeof part === "string" && part !== "");
  return parts.length === 0 ? null : parts.join(" ").slice(0, MAX_NAME_CHARACTERS);
}

/** @returns the groups of the configured claim; a string counts as a list of one, everything else is left out */
export function groupsOf(settings: ProviderSettings, claims: Claims): string[] {
  if (settings.groupsClaim === null) return [];
  const value = claims[settings.groupsClaim];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const named = list.filter((group) => typeof group === "string");
  return named.filter((group) => group !== "" && group.length <= MAX_GROUP_CHARACTERS).slice(0, MAX_GROUPS);
}

/** Some providers send their booleans as text, Entra its `xms_edov` as a number. */
function isTrue(value: unknown): boolean {
  return value === true || value === "true" || value === 1 || value === "1";
}
