import { expect, test } from "vitest";
import type { Person } from "#protocol/identity.ts";
import { type Profile, ProfileRefused } from "../../workspace-agent/identity/openclaw-client.ts";
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

/** An OpenClaw that has `profiles`, and makes no new ones but through `createProfile`. */
function openclawWith(
  profiles: Profile[],
  createProfile: (user: string) => Promise<void>,
  setDisplayName: (id: string, name: string) => Promise<void> = async () => {},
) {
  return {
    createProfile,
    withBackend: <T>(work: (backend: never) => Promise<T>) =>
      work({ listProfiles: async () => [...profiles], setDisplayName } as never),
  };
}

test("one person whom OpenClaw does not let in keeps nobody else from being known", async () => {
  const profiles: Profile[] = [];
  const client = openclawWith(profiles, async (user) => {
    if (user.startsWith("alice")) throw new ProfileRefused(403);
    profiles.push({ id: B, emails: [user], displayName: user });
  });
  const learned = await learnProfiles(client, people, () => expect.unreachable());
  expect([...learned.ids]).toEqual([["bob@example.com", B]]);
});

test("an OpenClaw that does not answer is not asked for two hundred profiles, one after the other", async () => {
  let asked = 0;
  const client = openclawWith([], async () => {
    asked += 1;
    throw new Error("timed out");
  });
  const many = Array.from({ length: 200 }, (_, n) => person(`p${n}@example.com`));
  await expect(learnProfiles(client, many, () => {})).rejects.toThrow("timed out");
  expect(asked).toBeLessThan(10);
});

test("two hundred names that OpenClaw does not take in time keep nobody waiting", async () => {
  const many = Array.from({ length: 200 }, (_, n) => person(`p${n}@example.com`));
  const idOf = (n: number) => `${A.slice(0, -3)}${String(n).padStart(3, "0")}`;
  const profiles = many.map(({ user }, n): Profile => ({ id: idOf(n), emails: [user], displayName: "somebody else" }));
  let now = 0;
  const slow = async () => {
    now += 2_000;
    throw new Error("timed out");
  };
  const learned = await learnProfiles(
    openclawWith(profiles, expect.unreachable, slow),
    many,
    () => {},
    () => now,
  );
  expect(learned.ids.size).toBe(200);
  expect(now).toBeLessThan(5_000);
});
