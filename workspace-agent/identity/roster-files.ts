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
  #swept = false;
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

  get folder(): string {
    return this.#files.folder;
  }

  /** Makes the workspace if need be. @returns what tells it from others; null when there is none @throws {WorkspaceError} */
  async place(): Promise<string | null> {
    await this.#files.ensure();
    return this.#files.place();
  }

  /**
   * Brings every file in line; one that cannot be stops none of the others.
   * @returns how many had to be changed @throws {WorkspaceError} the first failure
   */
  async write(people: readonly Person[], profiles: Profiles): Promise<number> {
    // Before its first turn OpenClaw may have no workspace yet: then nobody reads files, and none can be stale.
    if (!(await this.#files.ensure())) {
      this.#wasNew = true;
      return 0;
    }
    const holders = new Map<string, Person>();
    for (const person of people) {
      const id = profiles.ids.get(person.user);
      if (id !== undefined) holders.set(id, person);
    }
    let changed = 0;
    const failures: unknown[] = [];
    const attempt = async (work: () => Promise<number>) => {
      changed += await work().catch((error: unknown) => {
        failures.push(error);
        return 0;
      });
    };
    const put = (id: string, block: string | null) => this.#put([PERSONAL_FOLDER, id, "USER.md"], block);
    if (!this.#swept) await attempt(() => this.#sweep());
    // Withdrawals first: a crash in between leaves too little in the files, never too much.
    for (const id of await this.#personal(failures)) {
      if (holders.has(id) || profiles.ambiguous.has(id)) continue;
      await attempt(() => put(id, null));
      // The profile's id is all that is left of them, if they kept no notes.
      await attempt(() => this.#files.removeFolder([PERSONAL_FOLDER, id]).then(() => 0));
    }
    for (const id of profiles.ambiguous) await attempt(() => put(id, personalBlock(id, null)));
    await attempt(() => this.#writeRoot(people, profiles));
    for (const [id, person] of holders) await attempt(() => put(id, personalBlock(id, person)));
    if (failures.length > 0) throw failures[0];
    return changed;
  }

  /** @returns profile ids that have a folder here */
  async #personal(failures: unknown[]): Promise<string[]> {
    try {
      return (await this.#files.list([PERSONAL_FOLDER])).filter(isProfileId);
    } catch (error) {
      failures.push(error);
      return [];
    }
  }

  /** Nobody else writes here: what looks half-written is, and would tell of people for good. */
  async #sweep(): Promise<number> {
    await this.#files.sweep([]);
    for (const id of await this.#personal([])) await this.#files.sweep([PERSONAL_FOLDER, id]);
    this.#swept = true;
    return 0;
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
    let changed = await this.#put(root, block.text);
    // Only then is it taken out of the other: whoever reads in between reads it twice, never not at all.
    const other = root === USER ? AGENTS : USER;
    if ((await this.#files.readPlain(other)) !== null) changed += await this.#put(other, null);
    return changed;
  }

  /** @returns how many files had to be changed: one or none */
  async #put(parts: readonly string[], block: string | null): Promise<number> {
    const current = await this.#files.read(parts);
    const next = withBlock(current ?? Buffer.alloc(0), block);
    if (current === null ? next.byteLength === 0 : next.equals(current)) return 0;
    if (parts.length > 1 && next.toString().length > MAX_PERSONAL_CHARACTERS) {
      this.#log("identity.crowded", { file: parts.join("/"), characters: next.toString().length });
    }
    if (next.byteLength === 0) await this.#files.remove(parts);
    else await this.#files.write(parts, next);
    return 1;
  }
}

/**
 * Each is tried, whatever becomes of the others; one that has two names is one.
 * @throws {Error} naming each that failed: whoever is told of nowhere must not speak
 */
export async function writeRosters(
  rosters: readonly RosterFiles[],
  people: readonly Person[],
  profiles: Profiles,
): Promise<number> {
  const distinct = await withoutSecondNames(rosters);
  const writes = await Promise.allSettled(distinct.map((roster) => roster.write(people, profiles)));
  let changed = 0;
  const failures: string[] = [];
  for (const [index, write] of writes.entries()) {
    if (write.status === "fulfilled") changed += write.value;
    else failures.push(`${distinct[index]?.folder}: ${String((write.reason as Error).message)}`);
  }
  if (failures.length > 0) throw new Error(failures.join("; "));
  return changed;
}

/** By what the folders are now: links are made and changed while this runs. */
async function withoutSecondNames(rosters: readonly RosterFiles[]): Promise<RosterFiles[]> {
  const places = new Set<string>();
  const distinct: RosterFiles[] = [];
  for (const roster of rosters) {
    // One that cannot even be looked at fails when it is written.
    const place = await roster.place().catch(() => null);
    if (place !== null && places.has(place)) continue;
    if (place !== null) places.add(place);
    distinct.push(roster);
  }
  return distinct;
}
