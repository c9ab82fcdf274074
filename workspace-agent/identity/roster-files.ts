/** Keeps the workspace's identity files equal to what the roster says; knows nothing of frames. */
import type { Person } from "#protocol/identity.ts";
import type { Log } from "../log.ts";
import {
  isProfileId,
  MAX_PERSONAL_CHARACTERS,
  personalBlock,
  type Profiles,
  rosterBlock,
  withBlock,
} from "./roster.ts";
import type { WorkspaceFiles } from "./workspace-files.ts";

/** Where the roster may stand: in the first, or in the second for as long as OpenClaw's first-run ritual is not done. */
export const ROOTS = [["USER.md"], ["AGENTS.md"]] as const;
const [USER, AGENTS] = ROOTS;
const RITUAL = ["BOOTSTRAP.md"];
const PERSONAL_FOLDER = "users";
/** OpenClaw has filled a new workspace by then, the ritual's file last. */
const FILLING_MS = 10_000;

export class RosterFiles {
  readonly #files: WorkspaceFiles;
  readonly #publicUrl: string;
  readonly #log: Log;
  readonly #now: () => number;
  #leftOut = 0;
  /** Whether the workspace was empty when it was last looked at, and when it was first seen not to be any more. */
  #wasNew = false;
  #filledAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that only rises */
  constructor(files: WorkspaceFiles, publicUrl: string, log: Log, now: () => number) {
    this.#files = files;
    this.#publicUrl = publicUrl;
    this.#log = log;
    this.#now = now;
  }

  /** Brings every file in line. @returns how many had to be changed @throws {WorkspaceError} */
  async write(people: readonly Person[], profiles: Profiles): Promise<number> {
    // Before its first turn OpenClaw may have no workspace yet: then nobody reads files, and none can be stale.
    if (!(await this.#files.ensure())) {
      this.#wasNew = true;
      return 0;
    }
    let changed = 0;
    const holders = new Map<string, Person>();
    for (const person of people) {
      const id = profiles.ids.get(person.user);
      if (id !== undefined) holders.set(id, person);
    }
    // Withdrawals first: a crash in between leaves too little in the files, never too much.
    for (const id of await this.#files.list([PERSONAL_FOLDER])) {
      if (!isProfileId(id) || holders.has(id) || profiles.ambiguous.has(id)) continue;
      if (await this.#put([PERSONAL_FOLDER, id, "USER.md"], null)) changed += 1;
      await this.#files.removeFolder([PERSONAL_FOLDER, id]);
    }
    for (const id of profiles.ambiguous)
      if (await this.#put([PERSONAL_FOLDER, id, "USER.md"], personalBlock(id, null))) changed += 1;
    changed += await this.#writeRoot(people, profiles);
    for (const [id, person] of holders) {
      if (await this.#put([PERSONAL_FOLDER, id, "USER.md"], personalBlock(id, person))) changed += 1;
    }
    return changed;
  }

  /**
   * OpenClaw fills a new workspace at its first turn, and leaves out or ends its first-run ritual when USER.md is
   * there or is not as it made it (decisions 87). So a new workspace gets no root file, and until the ritual is done
   * the roster stands in AGENTS.md, which OpenClaw reads the same way; the personal files do not have that effect.
   * @returns none for a workspace that OpenClaw has not filled yet
   */
  async #root(): Promise<readonly string[] | null> {
    // Files only: our own `users` makes nothing old, and by default OpenClaw's other agents live in folders in here.
    const names = new Set(await this.#files.listFiles([]));
    if (names.size === 0) {
      this.#wasNew = true;
      return null;
    }
    if (this.#wasNew) {
      this.#wasNew = false;
      this.#filledAt = this.#now();
    }
    const isRitual = RITUAL.some((name) => names.has(name));
    const isFilling = this.#now() - this.#filledAt < FILLING_MS;
    if ((isRitual || isFilling) && (await this.#files.readPlain(AGENTS)) !== null) return AGENTS;
    // Who is who matters more than the ritual of somebody who took AGENTS.md away, or made it a link.
    return isFilling && !isRitual ? null : USER;
  }

  /** @returns how many files had to be changed */
  async #writeRoot(people: readonly Person[], profiles: Profiles): Promise<number> {
    const root = await this.#root();
    if (root === null) return 0;
    const block = rosterBlock(people, profiles, this.#publicUrl);
    if (block.leftOut !== this.#leftOut) this.#log("identity.crowded", { left_out: block.leftOut });
    this.#leftOut = block.leftOut;
    let changed = (await this.#put(root, block.text)) ? 1 : 0;
    // Only then is it taken out of the other: whoever reads in between reads it twice, never not at all.
    const other = root === USER ? AGENTS : USER;
    if ((await this.#files.readPlain(other)) !== null && (await this.#put(other, null))) changed += 1;
    return changed;
  }

  /** @returns whether the file had to be changed */
  async #put(parts: readonly string[], block: string | null): Promise<boolean> {
    const current = await this.#files.read(parts);
    const next = withBlock(current ?? Buffer.alloc(0), block);
    if (current === null ? next.byteLength === 0 : next.equals(current)) return false;
    if (parts.length > 1 && next.toString().length > MAX_PERSONAL_CHARACTERS) {
      this.#log("identity.crowded", { file: parts.join("/"), characters: next.toString().length });
    }
    if (next.byteLength === 0) await this.#files.remove(parts);
    else await this.#files.write(parts, next);
    return true;
  }
}

/** Each is tried, whatever becomes of the others. @throws the first failure: whoever is told of nowhere must not speak */
export async function writeRosters(
  rosters: readonly RosterFiles[],
  people: readonly Person[],
  profiles: Profiles,
): Promise<number> {
  const writes = await Promise.allSettled(rosters.map((roster) => roster.write(people, profiles)));
  let changed = 0;
  for (const write of writes) {
    if (write.status === "rejected") throw write.reason;
    changed += write.value;
  }
  return changed;
}
