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

const ROOT = ["USER.md"];
const PERSONAL_FOLDER = "users";

export class RosterFiles {
  readonly #files: WorkspaceFiles;
  readonly #publicUrl: string;
  readonly #log: Log;
  #leftOut = 0;

  constructor(files: WorkspaceFiles, publicUrl: string, log: Log) {
    this.#files = files;
    this.#publicUrl = publicUrl;
    this.#log = log;
  }

  /** Brings every file in line. @returns how many had to be changed @throws {WorkspaceError} */
  async write(people: readonly Person[], profiles: Profiles): Promise<number> {
    // Before its first turn OpenClaw may have no workspace yet: then nobody reads files, and none can be stale.
    if (!(await this.#files.ensure())) return 0;
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
    }
    for (const id of profiles.ambiguous)
      if (await this.#put([PERSONAL_FOLDER, id, "USER.md"], personalBlock(id, null))) changed += 1;
    if (!(await this.#isNew()) && (await this.#writeRoot(people, profiles))) changed += 1;
    for (const [id, person] of holders) {
      if (await this.#put([PERSONAL_FOLDER, id, "USER.md"], personalBlock(id, person))) changed += 1;
    }
    return changed;
  }

  /**
   * OpenClaw fills a new workspace at its first turn, and leaves out its first-run ritual when USER.md is already
   * there (facts/openclaw section 3.7); personal files do not have that effect. Until then the root file waits, and
   * the personal ones speak for their owners.
   */
  async #isNew(): Promise<boolean> {
    return (await this.#files.list([])).every((name) => name === PERSONAL_FOLDER);
  }

  async #writeRoot(people: readonly Person[], profiles: Profiles): Promise<boolean> {
    const block = rosterBlock(people, profiles, this.#publicUrl);
    if (block.leftOut !== this.#leftOut) this.#log("identity.crowded", { left_out: block.leftOut });
    this.#leftOut = block.leftOut;
    return this.#put(ROOT, block.text);
  }

  /** @returns whether the file had to be changed */
  async #put(parts: string[], block: string | null): Promise<boolean> {
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
