/** Which OpenClaw profile is whose (facts/openclaw section 3). Pure but for {@link learnProfiles}. */
import { type Person, safeName } from "#protocol/identity.ts";
import { type OpenclawClient, type Profile, ProfileRefused } from "./openclaw-client.ts";
import { isProfileId, type Profiles } from "./roster.ts";

/** @returns each person's profile; pure. Merged profiles are history, and count for nobody */
export function matchProfiles(people: readonly Person[], profiles: readonly Profile[]): Profiles {
  const users = new Set(people.map((person) => person.user));
  const holders = new Map<string, string[]>();
  const found = new Map<string, Set<string>>();
  for (const profile of profiles) {
    if (profile.mergedInto != null || !isProfileId(profile.id)) continue;
    const held = [...new Set(profile.emails.map((email) => email.toLowerCase()))].filter((email) => users.has(email));
    holders.set(profile.id, held);
    for (const user of held) found.set(user, (found.get(user) ?? new Set()).add(profile.id));
  }
  const ids = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const [id, held] of holders) if (held.length > 1) ambiguous.add(id);
  for (const [user, candidates] of found) {
    const [id] = candidates;
    if (candidates.size > 1) for (const candidate of candidates) ambiguous.add(candidate);
    else if (id !== undefined && !ambiguous.has(id)) ids.set(user, id);
  }
  return { ids, ambiguous };
}

/** @returns people whose profile does not exist yet */
export function withoutProfile(people: readonly Person[], profiles: readonly Profile[]): Person[] {
  const known = new Set<string>();
  for (const profile of profiles) {
    if (profile.mergedInto == null) for (const email of profile.emails) known.add(email.toLowerCase());
  }
  return people.filter((person) => !known.has(person.user));
}

/** @returns profiles whose display name is not the verified one; people can change theirs, and OpenClaw shows it to all */
export function misnamed(
  people: readonly Person[],
  profiles: readonly Profile[],
  matched: Profiles,
): { profileId: string; displayName: string }[] {
  const names = new Map(profiles.map((profile) => [profile.id, profile.displayName]));
  return people.flatMap((person) => {
    const profileId = matched.ids.get(person.user);
    const displayName = safeName(person.name) ?? person.user;
    if (profileId === undefined || names.get(profileId) === displayName) return [];
    return [{ profileId, displayName }];
  });
}

/** Profiles created side by side: a first roster of many people must not look like a flood to OpenClaw. */
const CREATED_AT_ONCE = 4;
/** Names are set for this long; the others wait for the next time, because people wait for their profiles. */
const NAMING_MS = 2_000;

/**
 * Creates the profiles that are missing, and gives each its verified name. Whom OpenClaw does not let in stays without.
 * @param nameNotSet called for a name that OpenClaw did not take; the ids hold all the same
 * @param now milliseconds of a clock that only rises
 * @throws {Error} when OpenClaw is away, refuses the password, or does not answer
 */
export async function learnProfiles(
  client: OpenclawClient,
  people: readonly Person[],
  nameNotSet: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Promise<Profiles> {
  return client.withBackend(async (backend) => {
    let profiles = await backend.listProfiles();
    const missing = withoutProfile(people, profiles);
    for (let at = 0; at < missing.length; at += CREATED_AT_ONCE) {
      await Promise.all(missing.slice(at, at + CREATED_AT_ONCE).map((person) => createProfile(client, person)));
    }
    if (missing.length > 0) profiles = await backend.listProfiles();
    const matched = matchProfiles(people, profiles);
    const until = now() + NAMING_MS;
    for (const { profileId, displayName } of misnamed(people, profiles, matched)) {
      if (now() >= until) break;
      await backend.setDisplayName(profileId, displayName).catch(nameNotSet);
    }
    return matched;
  });
}

async function createProfile(client: OpenclawClient, { user }: Person): Promise<void> {
  await client.createProfile(user).catch((error: unknown) => {
    if (!(error instanceof ProfileRefused)) throw error;
  });
}
