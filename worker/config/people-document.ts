/** People as a tenant document names them, for `allow`, `admins` and `roles`. */
import * as v from "valibot";
import { ROLES } from "#protocol/identity.ts";
import { normalizeDomain, normalizeEmail } from "../access/email.ts";
import { SELF_ASSERTED_CLAIMS } from "../access/rules.ts";
import { listOf, noted, text } from "./schema.ts";

export const PROVIDER_ID = /^[a-z0-9-]{1,32}$/;

const EMAIL = "one e-mail address, such as alice@example.com";
const DOMAIN = "a domain such as example.com: no *, no @; sub-domains are listed one by one";
const VALUE = "a text of 1 to 256 characters";
const GROUP = 'a group\'s name or id, or {"group": …, "provider": …}';

const Email = v.pipe(
  text(EMAIL, (value) => normalizeEmail(value) !== null),
  v.transform((value) => normalizeEmail(value) ?? ""),
);
const Domain = v.pipe(
  text(DOMAIN, (value) => normalizeDomain(value) !== null),
  v.transform((value) => normalizeDomain(value) ?? ""),
);
const Value = text(VALUE, (value) => value.length > 0 && value.length <= 256);
const ProviderId = text("the id of one of the tenant's providers", PROVIDER_ID);
const Group = v.union(
  [
    v.pipe(
      Value,
      v.transform((group) => ({ group, provider: null as string | null })),
    ),
    v.strictObject({ group: Value, provider: ProviderId }),
  ],
  GROUP,
);
const Claim = v.strictObject({
  claim: noted(
    text(
      "the name of a claim that people cannot write themselves (so not email, name, preferred_username or the like)",
      (name) => /^[\x21-\x7e]{1,128}$/.test(name) && !SELF_ASSERTED_CLAIMS.has(name),
    ),
    "The claim, at the top of the ID token or of UserInfo",
  ),
  value: noted(Value, "The claim is this text, or a list that holds it"),
  provider: noted(v.optional(v.nullable(ProviderId), null), "Whose claim; needed as soon as there are two providers"),
});

/** Any one match is enough. */
export const people = {
  emails: noted(v.optional(listOf(Email, 1000), []), "Verified addresses; upper case does not matter, tags do"),
  domains: noted(v.optional(listOf(Domain), []), "Domains of verified addresses, exactly"),
  groups: noted(
    v.optional(listOf(Group), []),
    'Groups, exactly; with two providers each as {"group": …, "provider": …}, else any provider could name it',
  ),
  claims: noted(v.optional(listOf(Claim), []), "Claims with an exact value"),
};

export const People = v.strictObject(people);

export const RoleRule = v.strictObject({
  role: noted(v.picklist(ROLES, `one of ${ROLES.join(", ")}`), "The role"),
  ...people,
});
