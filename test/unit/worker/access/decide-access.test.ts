import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admitBy, decideAccess } from "../../../../worker/access/decide-access.ts";
import { SELF_ASSERTED_CLAIMS, type AccessRules, type People } from "../../../../worker/access/rules.ts";
import type { VerifiedIdentity } from "../../../../worker/oidc/provider-settings.ts";
import { ROLES, type Role } from "../../../../protocol/identity.ts";

const NOBODY: People = { emails: [], domains: [], groups: [], claims: [] };

function person(known: Partial<VerifiedIdentity> = {}): VerifiedIdentity {
  return {
    provider: "okta",
    issuer: "https://acme.okta.test",
    subject: "00u1",
    email: null,
    name: null,
    groups: [],
    claims: {},
    providerSessionId: null,
    idToken: "",
    refreshToken: null,
    ...known,
  };
}

function rules(allow: Partial<People>, rest: { admins?: Partial<People>; roles?: AccessRules["roles"] } = {}) {
  return { allow: { ...NOBODY, ...allow }, admins: { ...NOBODY, ...rest.admins }, roles: rest.roles ?? [] };
}

function as(role: Role, people: Partial<People>) {
  return { role, ...NOBODY, ...people };
}

const everyone = rules({ domains: ["example.com"] });

describe("who comes in", () => {
  test.each<[string, AccessRules, Partial<VerifiedIdentity>]>([
    ["a listed address", rules({ emails: ["alice@example.com"] }), { email: "alice@example.com" }],
    ["a listed address in upper case", rules({ emails: ["alice@example.com"] }), { email: "ALICE@Example.COM" }],
    ["a listed domain", everyone, { email: "anyone@example.com" }],
    ["an international domain", rules({ domains: ["xn--bcher-kva.example"] }), { email: "a@bücher.example" }],
    ["a group", rules({ groups: [{ group: "eng", provider: null }] }), { groups: ["all", "eng"] }],
    ["a group of this provider", rules({ groups: [{ group: "eng", provider: "okta" }] }), { groups: ["eng"] }],
    [
      "a claim",
      rules({ claims: [{ claim: "hd", value: "example.com", provider: null }] }),
      { claims: { hd: "example.com" } },
    ],
    [
      "a claim's list",
      rules({ claims: [{ claim: "roles", value: "x", provider: null }] }),
      { claims: { roles: ["x"] } },
    ],
  ])("%s", (_name, allowed, known) => {
    expect(decideAccess(allowed, person(known))).toEqual({ allow: true, role: "user" });
    expect(admitBy(allowed)(person(known))).toEqual({ role: "user" });
  });

  test.each<[string, AccessRules, Partial<VerifiedIdentity>, string]>([
    ["nobody by default", rules({}), { email: "alice@example.com", groups: ["eng"] }, "nobody_allowed"],
    ["an address that nobody verified", everyone, { claims: { email: "a@example.com" } }, "email_not_verified"],
    ["another address", rules({ emails: ["alice@example.com"] }), { email: "bob@example.com" }, "not_listed"],
    ["a tag", rules({ emails: ["alice@example.com"] }), { email: "alice+x@example.com" }, "not_listed"],
    ["a sub-domain", everyone, { email: "a@evil.example.com" }, "not_listed"],
    ["the parent domain", rules({ domains: ["a.example.com"] }), { email: "a@example.com" }, "not_listed"],
    ["a longer name", everyone, { email: "a@notexample.com" }, "not_listed"],
    ["the domain as a prefix", everyone, { email: "a@example.com.evil.test" }, "not_listed"],
    ["a trailing dot", everyone, { email: "a@example.com." }, "email_not_verified"],
    ["two @", everyone, { email: "a@evil.test@example.com" }, "email_not_verified"],
    ["a lookalike domain", everyone, { email: "a@ex\u0430mple.com" }, "not_listed"],
    ["a domain that maps onto it", everyone, { email: "a@ｅxample.com" }, "email_not_verified"],
    ["a group in other case", rules({ groups: [{ group: "eng", provider: null }] }), { groups: ["Eng"] }, "not_listed"],
    [
      "a group of another provider",
      rules({ groups: [{ group: "eng", provider: "entra" }] }),
      { groups: ["eng"] },
      "not_listed",
    ],
    [
      "a claim of another provider",
      rules({ claims: [{ claim: "hd", value: "x", provider: "entra" }] }),
      { claims: { hd: "x" } },
      "not_listed",
    ],
    [
      "a part of a claim",
      rules({ claims: [{ claim: "hd", value: "x", provider: null }] }),
      { claims: { hd: "xy" } },
      "not_listed",
    ],
    ["a number", rules({ claims: [{ claim: "n", value: "1", provider: null }] }), { claims: { n: 1 } }, "not_listed"],
    [
      "true",
      rules({ claims: [{ claim: "ok", value: "true", provider: null }] }),
      { claims: { ok: true } },
      "not_listed",
    ],
    [
      "a nested list",
      rules({ claims: [{ claim: "g", value: "x", provider: null }] }),
      { claims: { g: [["x"]] } },
      "not_listed",
    ],
    [
      "an object",
      rules({ claims: [{ claim: "g", value: "x", provider: null }] }),
      { claims: { g: { x: "x" } } },
      "not_listed",
    ],
    ["an inherited name", rules({ claims: [{ claim: "toString", value: "x", provider: null }] }), {}, "not_listed"],
    [
      "a role without entry",
      rules({}, { roles: [as("admin", { groups: [{ group: "eng", provider: null }] })] }),
      { groups: ["eng"] },
      "nobody_allowed",
    ],
  ])("but not %s", (_name, allowed, known, reason) => {
    expect(decideAccess(allowed, person(known))).toEqual({ allow: false, reason });
    expect(admitBy(allowed)(person(known))).toBeNull();
  });

  test("no claim that people write themselves ever matches, whatever the rules say", () => {
    for (const claim of SELF_ASSERTED_CLAIMS) {
      const people = { claims: [{ claim, value: "boss@example.com", provider: null }] };
      const claims = { [claim]: "boss@example.com" };
      expect(admitBy(rules(people, { admins: people, roles: [as("admin", people)] }))(person({ claims }))).toBeNull();
    }
  });
});

describe("as what", () => {
  const byGroup = (role: Role) => as(role, { groups: [{ group: role, provider: null }] });
  const every = rules({ domains: ["example.com"] }, { roles: ROLES.map(byGroup) });

  test.each<[string[], Role]>([
    [[], "user"],
    [["viewer"], "viewer"],
    [["viewer", "user"], "user"],
    [["approver", "viewer"], "approver"],
    [["viewer", "admin", "user"], "admin"],
    [["somewhere else"], "user"],
  ])("of the groups %j: %s", (groups, role) => {
    expect(admitBy(every)(person({ email: "a@example.com", groups }))).toEqual({ role });
  });

  test("an administrator needs no second entry", () => {
    const only = rules({}, { admins: { emails: ["root@example.com"] } });
    expect(admitBy(only)(person({ email: "root@example.com" }))).toEqual({ role: "admin" });
  });

  test("an unverified address makes nobody an administrator", () => {
    const only = rules({ groups: [{ group: "eng", provider: null }] }, { admins: { emails: ["root@example.com"] } });
    const claims = { email: "root@example.com", email_verified: true, preferred_username: "root@example.com" };
    const name = "root@example.com";
    expect(admitBy(only)(person({ claims, name, subject: name, groups: ["eng"] }))).toEqual({ role: "user" });
    expect(decideAccess(only, person({ claims }))).toEqual({ allow: false, reason: "email_not_verified" });
  });
});

test("nothing but an exact entry lets an address in", () => {
  const names = fc.constantFrom("alice", "bob", "alice+x", "Alice", "al\u0456ce");
  const hosts = fc.constantFrom(
    "example.com",
    "evil.example.com",
    "example.com.",
    "EXAMPLE.com",
    "example.co",
    "ex\u0430mple.com",
  );
  const expected = new Set(["alice@example.com", "Alice@example.com", "alice@EXAMPLE.com", "Alice@EXAMPLE.com"]);
  const only = admitBy(rules({ emails: ["alice@example.com"] }));
  fc.assert(
    fc.property(names, hosts, (name, host) => {
      const email = `${name}@${host}`;
      expect(only(person({ email })) !== null).toBe(expected.has(email));
    }),
  );
});
