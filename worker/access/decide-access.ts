/** Who may come in, and as what. Pure; asked at every sign-in and every renewal. Nobody by default. */
import { ROLES, type Role } from "#protocol/identity.ts";
import type { Admit, VerifiedIdentity } from "../oidc/provider-settings.ts";
import { emailDomain, normalizeEmail } from "./email.ts";
import { SELF_ASSERTED_CLAIMS, type AccessRules, type ClaimRule, type People } from "./rules.ts";

/**
 * Why somebody stays outside: `nobody_allowed`: the rules name nobody at all; `email_not_verified`: addresses are
 * named, but the provider vouches for none of this person's; `not_listed`: everything is known and nothing matches.
 */
export type AccessRefusal = "nobody_allowed" | "email_not_verified" | "not_listed";
export type AccessDecision = { allow: true; role: Role } | { allow: false; reason: AccessRefusal };

const DEFAULT_ROLE: Role = "user";

export function decideAccess(rules: AccessRules, identity: VerifiedIdentity): AccessDecision {
  const person = { ...identity, email: identity.email === null ? null : normalizeEmail(identity.email) };
  if (isOneOf(rules.admins, person)) return { allow: true, role: "admin" };
  if (!isOneOf(rules.allow, person)) return { allow: false, reason: refusal(rules, person) };
  const roles = rules.roles.filter((entry) => isOneOf(entry, person)).map(({ role }) => role);
  return { allow: true, role: highest(roles) ?? DEFAULT_ROLE };
}

/** @returns the rules as the one question that a sign-in asks */
export function admitBy(rules: AccessRules): Admit {
  return function admit(identity) {
    const decision = decideAccess(rules, identity);
    return decision.allow ? { role: decision.role } : null;
  };
}

function isOneOf(people: People, person: VerifiedIdentity): boolean {
  const { email, provider, groups } = person;
  if (email !== null && (people.emails.includes(email) || people.domains.includes(emailDomain(email)))) return true;
  const here = (rule: { provider: string | null }) => rule.provider === null || rule.provider === provider;
  if (people.groups.some((rule) => here(rule) && groups.includes(rule.group))) return true;
  return people.claims.some((rule) => here(rule) && hasClaim(person.claims, rule));
}

/** Exactly the string, or one string of a list: no numbers, no nesting, nothing inherited. */
function hasClaim(claims: Record<string, unknown>, { claim, value }: ClaimRule): boolean {
  if (SELF_ASSERTED_CLAIMS.has(claim) || !Object.hasOwn(claims, claim)) return false;
  const told = claims[claim];
  return told === value || (Array.isArray(told) && told.includes(value));
}

function highest(roles: Role[]): Role | undefined {
  return ROLES.findLast((role) => roles.includes(role));
}

function refusal({ allow, admins }: AccessRules, { email }: VerifiedIdentity): AccessRefusal {
  const lists = [allow, admins];
  const named = lists.some((people) => people.emails.length > 0 || people.domains.length > 0);
  if (named && email === null) return "email_not_verified";
  const any = lists.some((people) => Object.values(people).some((list) => list.length > 0));
  return any ? "not_listed" : "nobody_allowed";
}
