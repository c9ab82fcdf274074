import { expect, test } from "vitest";
import type { Person } from "#protocol/identity.ts";
import type { Profile } from "../../workspace-agent/identity/openclaw-client.ts";
import { learnProfiles, matchProfiles } from "../../workspace-agent/identity/profiles.ts";

const A = "875d001d-a23c-4006-ac2c-eab1e319480c";
const B = "77285fad-fcd5-46b7-ac76-3508b6b8e436";

function person(user: string, name: string | null = null): Person {
  return { key: user, user, email: user, name, role: "user", active: false };
}
const people = [person("alice@example.com", "Alice"), person("bob@example.com")];

test("a person is found by their address, whatever its case, on a profile that is not merged away", () => {
  const profiles: Profile[] = [
    { id: A, emails: ["Alice@Example.com"] },
    { id: B, emails: ["alice@example.com"], mergedInto: A },
  ];
  expect(matchProfiles(people, profiles)).toEqual({ ids: new Map([["alice@example.com", A]]), ambiguous: new Set() });
});

test("two people on one profile are both not verified", () => {
  const profiles: Profile[] = [{ id: A, emails: ["alice@example.com", "bob@example.com"] }];
  expect(matchProfiles(people, profiles)).toEqual({ ids: new Map(), ambiguous: new Set([A]) });
});

test("one person's second address does no harm while nobody else signs in with it", () => {
  const profiles: Profile[] = [{ id: A, emails: ["alice@example.com", "alice@home.example"] }];
  expect(matchProfiles(people, profiles).ids.get("alice@example.com")).toBe(A);
});

test("a profile id that is no UUID names no folder", () => {
  expect(matchProfiles(people, [{ id: "../../etc", emails: ["alice@example.com"] }]).ids.size).toBe(0);
});

test("missing profiles are created, and names that differ from the verified ones are set", async () => {
  const profiles: Profile[] = [{ id: A, emails: ["alice@example.com"], displayName: "bob (admin)" }];
  const named: [string, string][] = [];
  const client = {
    createProfile: async (user: string) => void profiles.push({ id: B, emails: [user], displayName: user }),
    withBackend: <T>(work: (backend: never) => Promise<T>) =>
      work({
        listProfiles: async () => [...profiles],
        setDisplayName: async (id: string, name: string) => void named.push([id, name]),
      } as never),
  };
  const learned = await learnProfiles(client, people, () => expect.unreachable());
  expect([...learned.ids.values()]).toEqual([A, B]);
  expect(named).toEqual([[A, "Alice"]]);
});
