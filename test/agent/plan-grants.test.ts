import fc from "fast-check";
import { expect, test } from "vitest";
import { isAdmin, planGrants } from "../../workspace-agent/admins/plan-grants.ts";

const nobody = new Set<string>();
const ADMIN = ["operator.admin"];

test.each([
  ["nobody is wanted", {}, [], [], null, []],
  ["somebody new", {}, ["a@x.org"], [], { "a@x.org": ADMIN }, []],
  ["somebody who is one already", { "a@x.org": ADMIN }, ["a@x.org"], [], null, []],
  ["one under another spelling", { "A@X.org": ADMIN }, ["a@x.org"], [], null, []],
  [
    "one with other scopes keeps them",
    { "A@x.org": ["operator.talk"] },
    ["a@x.org"],
    [],
    { "A@x.org": ["operator.talk", "operator.admin"] },
    [],
  ],
  ["one who is none any more", { "a@x.org": ADMIN }, [], ["a@x.org"], { "a@x.org": null }, ["a@x.org"]],
  [
    "one who is none any more keeps other scopes",
    { "a@x.org": ["operator.admin", "operator.talk"] },
    [],
    ["a@x.org"],
    { "a@x.org": ["operator.talk"] },
    ["a@x.org"],
  ],
  ["one whom somebody else took off before", {}, [], ["a@x.org"], null, []],
  ["one who is wanted again", { "a@x.org": ADMIN }, ["a@x.org"], ["a@x.org"], null, []],
  ["a name of the language", {}, ["__proto__@x.org"], [], { "__proto__@x.org": ADMIN }, []],
] as const)("%s", (_, scopes, wanted, withdrawn, patch, shortened) => {
  const plan = planGrants(scopes, new Set(wanted), new Set(withdrawn));
  expect(plan).toEqual({ patch, shortened: shortened.map((user) => `gateway.auth.identityScopes.${user}`) });
});

test("whatever stands in the list: who is wanted is one afterwards, who was withdrawn is none, others are as before", () => {
  const user = fc.constantFrom<string>("a@x.org", "b@x.org", "c@x.org", "d@x.org");
  const key = fc.oneof(
    user,
    user.map((name) => name.toUpperCase()),
    fc.constant("p-1@tidegate.invalid"),
  );
  const scope = fc.constantFrom("operator.admin", "operator.talk", "operator.read");
  const list = fc.dictionary(key, fc.uniqueArray(scope), { noNullPrototype: true });
  const users = fc.uniqueArray(user).map((all) => new Set(all));
  fc.assert(
    fc.property(list, users, users, (scopes, wanted, withdrawn) => {
      const { patch } = planGrants(scopes, wanted, withdrawn);
      const after = Object.fromEntries(
        Object.entries({ ...scopes, ...patch }).filter((entry): entry is [string, string[]] => entry[1] !== null),
      );
      for (const name of ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]) {
        const expected = wanted.has(name) || (isAdmin(scopes, name) && !withdrawn.has(name));
        // An address that stands there twice, in two spellings, is its owner's puzzle: OpenClaw reads the exact one.
        if (Object.keys(scopes).filter((each) => each.toLowerCase() === name).length > 1) continue;
        expect(isAdmin(after, name)).toBe(expected);
      }
      expect(planGrants(after, wanted, nobody).patch).toBeNull();
    }),
    { numRuns: 2_000 },
  );
});
