/** The workspace's files in hostile hands: the model's, an administrator's of OpenClaw, or a killed process's. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Person } from "#protocol/identity.ts";
import { RosterFiles, writeRosters } from "../../workspace-agent/identity/roster-files.ts";
import { WorkspaceFiles } from "../../workspace-agent/identity/workspace-files.ts";
import { silent } from "./support/peer.ts";

const ID = "875d001d-a23c-4006-ac2c-eab1e319480c";
const BOB = "77285fad-fcd5-46b7-ac76-3508b6b8e436";
const alice: Person = {
  key: "k",
  user: "alice@example.com",
  email: "alice@example.com",
  name: "Alice",
  role: "user",
  active: true,
};
const known = { ids: new Map([[alice.user, ID]]), ambiguous: new Set<string>() };
const nobody = { ids: new Map<string, string>(), ambiguous: new Set<string>() };
let folder: string;
let now: number;
let files: RosterFiles;

const rosterOf = (path: string) => new RosterFiles(new WorkspaceFiles(path), "https://gw.example", silent, () => now);

beforeEach(async () => {
  now = 0;
  folder = await mkdtemp(join(tmpdir(), "tidegate-"));
  files = rosterOf(folder);
  await writeFile(join(folder, "AGENTS.md"), "seeded");
});
afterEach(() => rm(folder, { recursive: true }));

const read = (...parts: string[]) => readFile(join(folder, ...parts), "utf8");

test.each([
  ["another spelling", (path: string) => `${path}/../first/.`],
  ["a link", (path: string) => path.replace("first", "link")],
])("one workspace under two names, one of them %s, is written once", async (_name, other) => {
  const first = join(folder, "first");
  await symlink("first", join(folder, "link"));
  await mkdir(first);
  await writeFile(join(first, "SOUL.md"), "soul");
  const rosters = [first, other(first)].map(rosterOf);
  expect(await writeRosters(rosters, [alice], known)).toBe(2);
  expect(await writeRosters(rosters, [], nobody)).toBe(2);
});

test("a workspace under two names that does not exist yet is made and written once", async () => {
  await symlink(".", join(folder, "link"));
  const rosters = [join(folder, "new"), join(folder, "link", "new")].map(rosterOf);
  expect(await writeRosters(rosters, [alice], known)).toBe(1);
});

test("of several workspaces each that cannot be written is named", async () => {
  const others = ["first", "second", "third"].map((name) => join(folder, name));
  for (const other of others) {
    await mkdir(other);
    await writeFile(join(other, "SOUL.md"), "soul");
  }
  for (const broken of ["first", "third"]) await mkdir(join(folder, broken, "USER.md"));
  const rosters = others.map(rosterOf);
  const failure = await writeRosters(rosters, [alice], known).catch((error: Error) => error.message);
  expect(failure).toBe(`${others[0]}: USER.md: not_a_file; ${others[2]}: USER.md: not_a_file`);
  expect(await read("second", "USER.md")).toContain(ID);
});

test("a workspace that was taken away is none's reason to hold anybody back, and is written when it is there again", async () => {
  const others = ["first", "second"].map((name) => join(folder, name, "workspace"));
  for (const other of others) {
    await mkdir(other, { recursive: true });
    await writeFile(join(other, "SOUL.md"), "soul");
  }
  const rosters = others.map(rosterOf);
  await writeRosters(rosters, [alice], known);
  await rm(join(folder, "first"), { recursive: true });
  expect(await writeRosters(rosters, [alice], known)).toBe(0);
  await mkdir(others[0] ?? "", { recursive: true });
  await writeFile(join(others[0] ?? "", "SOUL.md"), "soul");
  now += 10_000;
  await writeRosters(rosters, [alice], known);
  now += 10_000;
  await writeRosters(rosters, [alice], known);
  expect(await read("first", "workspace", "USER.md")).toContain(ID);
});

test("what a killed process left half-written goes at the next one's first write, and is no reason to stop", async () => {
  await mkdir(join(folder, "users", ID), { recursive: true });
  const left = [`USER.md.tidegate-${process.pid}-1.tmp`, "AGENTS.md.tidegate-1-7.tmp"].map((name) =>
    join(folder, name),
  );
  left.push(join(folder, "users", ID, `USER.md.tidegate-${process.pid}-2.tmp`));
  for (const path of left) await writeFile(path, "- somebody@example.com");
  await writeFile(join(folder, "notes.tmp"), "mine");
  expect(await files.write([alice], known)).toBe(2);
  for (const path of left) await expect(stat(path)).rejects.toThrow("ENOENT");
  expect(await read("notes.tmp")).toBe("mine");
});

test.each([
  ["whose end somebody took away", (block: string) => block.replace("<!-- tidegate:roster:end -->", "")],
  ["whose beginning somebody took away", (block: string) => block.replace("<!-- tidegate:roster:begin -->", "")],
  ["that somebody copied without its marks", (block: string) => block.replaceAll(/<!--.*-->/g, "")],
  ["with other line ends", (block: string) => block.replaceAll(/<!--.*-->/g, "").replaceAll("\n", "\r\n")],
])("rows of a block %s do not outlive the person", async (_name, spoil) => {
  await files.write([alice], known);
  await writeFile(join(folder, "USER.md"), `# Mine\n${spoil(await read("USER.md"))}tea\n`);
  const personal = join(folder, "users", ID, "USER.md");
  await writeFile(personal, spoil(await readFile(personal, "utf8")));
  await files.write([], nobody);
  expect(await read("USER.md")).not.toContain(ID);
  expect(await read("USER.md")).toMatch(/# Mine\n[^]*tea\n$/);
  expect(await readFile(personal, "utf8")).not.toContain("alice@example.com");
});

const KINDS: [name: string, put: (path: string) => Promise<void>][] = [
  ["a link to a file", (path) => symlink(join(folder, "AGENTS.md"), path)],
  ["a link to nowhere", (path) => symlink("nowhere", path)],
  ["a folder", async (path) => void (await mkdir(path))],
  ["a pipe", async (path) => void execFileSync("mkfifo", [path])],
  ["five megabytes", (path) => writeFile(path, Buffer.alloc(5 * 1024 * 1024, "x"))],
];

describe.each(KINDS)("%s", (_name, put) => {
  test.each([["USER.md"], [`users/${ID}/USER.md`]])(
    "in the place of %s is a failure, until it is gone",
    async (name) => {
      await files.write([alice], known);
      await rm(join(folder, name));
      await put(join(folder, name));
      await expect(files.write([alice], known)).rejects.toThrow(/symlink|not_a_file|too_large/);
      await rm(join(folder, name), { recursive: true });
      expect(await files.write([alice], known)).toBe(1);
      expect(await read("AGENTS.md")).toBe("seeded");
    },
  );

  test("in the place of somebody's personal file keeps nobody else in the files who is forgotten", async () => {
    const both = {
      ids: new Map([
        [alice.user, ID],
        ["bob@example.com", BOB],
      ]),
      ambiguous: new Set<string>(),
    };
    const bob = { ...alice, key: "b", user: "bob@example.com", email: "bob@example.com" };
    await files.write([alice, bob], both);
    for (const broken of [BOB, ID]) {
      const path = join(folder, "users", broken, "USER.md");
      await rm(path, { force: true });
      await put(path);
    }
    await expect(files.write([bob], both)).rejects.toThrow(/symlink|not_a_file|too_large/);
    expect(await read("USER.md")).not.toContain("alice@");
    await expect(files.write([], nobody)).rejects.toThrow(/symlink|not_a_file|too_large/);
    expect(await read("USER.md")).not.toContain("bob@");
  });
});

test("a root file that cannot be written keeps nobody's personal file who is forgotten", async () => {
  await files.write([alice], known);
  await rm(join(folder, "USER.md"));
  await mkdir(join(folder, "USER.md"));
  await expect(files.write([], nobody)).rejects.toThrow("not_a_file");
  await expect(read("users", ID, "USER.md")).rejects.toThrow("ENOENT");
});

test("a disk that is full in the middle of a write is a failure, and leaves the old file whole and nothing beside it", async () => {
  await files.write([alice], known);
  const before = await read("USER.md");
  const script = join(import.meta.dirname, "support", "write-roster.ts");
  // To the process, the end of what it may write is as the end of the disk.
  const limited = 'ulimit -f 1 && exec "$0" --no-warnings "$1" "$2"';
  const told = execFileSync("/bin/sh", ["-c", limited, process.execPath, script, folder], { encoding: "utf8" });
  expect(told).toBe(`${folder}: USER.md: EFBIG`);
  expect(await read("USER.md")).toBe(before);
  expect((await readdir(folder)).toSorted()).toEqual(["AGENTS.md", "USER.md", "users"]);
  // What needs no room is withdrawn all the same.
  await expect(read("users", ID, "USER.md")).rejects.toThrow("ENOENT");
});

test("a workspace that this user may not write in is a failure, and stays as it is to the byte", async () => {
  await files.write([alice], known);
  const before = await read("USER.md");
  const script = join(import.meta.dirname, "support", "write-roster.ts");
  const folders = [folder, join(folder, "users"), join(folder, "users", ID)];
  // Root is refused nothing: it becomes nobody, who may read here.
  const nobodyId = process.getuid?.() === 0 ? ["65534"] : [];
  for (const each of folders) await chmod(each, 0o555);
  const told = execFileSync(process.execPath, ["--no-warnings", script, folder, ...nobodyId], { encoding: "utf8" });
  for (const each of folders) await chmod(each, 0o755);
  expect(told).toMatch(/^\S+: users\/[0-9a-f-]+\/USER\.md: EACCES$/);
  expect(await read("USER.md")).toBe(before);
  expect((await readdir(folder)).toSorted()).toEqual(["AGENTS.md", "USER.md", "users"]);
});

test.each(["users", join("users", ID)])("a link in the place of %s is followed by nobody", async (name) => {
  await files.write([alice], known);
  await mkdir(join(folder, "elsewhere"));
  await rm(join(folder, name), { recursive: true });
  await symlink(join(folder, "elsewhere"), join(folder, name));
  await expect(files.write([alice], known)).rejects.toThrow("symlink");
  expect(await readdir(join(folder, "elsewhere"))).toEqual([]);
});

test("somebody who rewrites and deletes files all the time loses in the end, and no half file is ever read", async () => {
  await files.write([alice], known);
  const paths = [join(folder, "USER.md"), join(folder, "users", ID, "USER.md")];
  for (let round = 0; round < 50; round++) {
    const spoiled = Promise.all(
      paths.map((path, n) => ((round + n) % 2 ? rm(path, { force: true }) : writeFile(path, "pwned"))),
    );
    await Promise.allSettled([spoiled, files.write([alice], known)]);
    for (const path of paths) {
      const text = await readFile(path, "utf8").catch(() => "");
      if (text.includes("tidegate:roster:begin")) expect(text).toContain("tidegate:roster:end");
    }
  }
  await files.write([alice], known);
  for (const path of paths) expect(await readFile(path, "utf8")).toMatch(/^<!-- tidegate:roster:begin -->/);
  expect((await readdir(folder)).filter((name) => name.includes(".tmp"))).toEqual([]);
});
