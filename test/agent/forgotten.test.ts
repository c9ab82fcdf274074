/** From FORGET to files without the person, with real files, and an OpenClaw that says nothing. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Person } from "#protocol/identity.ts";
import { IdentityWriter } from "../../workspace-agent/identity/identity-writer.ts";
import type { Profiles } from "../../workspace-agent/identity/roster.ts";
import { RosterFiles, writeRosters } from "../../workspace-agent/identity/roster-files.ts";
import { WorkspaceFiles } from "../../workspace-agent/identity/workspace-files.ts";
import { silent } from "./support/peer.ts";

const idOf = (n: number) => `875d001d-a23c-4006-ac2c-eab1e3194${String(n).padStart(3, "0")}`;
const people = Array.from({ length: 200 }, (_, n): Person => {
  const email = `p${n}@example.com`;
  return { key: `k${n}`, user: email, email, name: null, role: "user", active: n === 0 };
});
const profiles: Profiles = { ids: new Map(people.map(({ user }, n) => [user, idOf(n)])), ambiguous: new Set() };

let home: string;
let folders: string[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tidegate-"));
  folders = [home, join(home, "work"), join(home, "play")];
  for (const folder of folders) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "AGENTS.md"), "seeded");
  }
});
afterEach(() => rm(home, { recursive: true }));

/** @returns every file that tells of the person */
async function filesThatName(email: string): Promise<string[]> {
  const named: string[] = [];
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path, "utf8")).includes(`"${email}"`)) named.push(path);
  }
  return named;
}

test("one of two hundred is out of every workspace within five seconds, while OpenClaw does not answer", async () => {
  const rosters = folders.map(
    (folder) => new RosterFiles(new WorkspaceFiles(folder), "https://gw.example", silent, () => 0),
  );
  let wrote = Promise.withResolvers<void>();
  let now = 0;
  let learnt: Promise<Profiles> = Promise.resolve(profiles);
  const writer = new IdentityWriter({
    async writeFiles(listed, known) {
      const changed = await writeRosters(rosters, listed, known);
      wrote.resolve();
      return changed;
    },
    learnProfiles: () => learnt,
    log: silent,
    now: () => now,
  });
  writer.receive({ type: "roster", stream: 0, version: 1, people }, () => {});
  await wrote.promise;
  expect(await filesThatName("p0@example.com")).toHaveLength(6);
  // OpenClaw is asked again, and says nothing.
  now = 61_000;
  learnt = new Promise(() => {});
  writer.recheck();
  wrote = Promise.withResolvers();
  const began = performance.now();
  writer.receive({ type: "forget", stream: 0, version: 2, person: "k0" }, () => {});
  await wrote.promise;
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await filesThatName("p0@example.com")).toEqual([]);
  writer.release();
}, 30_000);
