import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFileAtomic } from "../../../scripts/atomic-file.ts";
import { notStarted } from "../../../scripts/edge.ts";
import { withFolderLock } from "../../../scripts/folder-lock.mjs";
import { processIdOf } from "../../../scripts/processes.mjs";
import { reset } from "../../../scripts/reset.ts";
import { endFormerRun, findLiveRun } from "../../../scripts/run-record.ts";
import { openAgentKey, openSecrets } from "../../../scripts/secrets.ts";
import { explainSystemError } from "../../../scripts/system-error.mjs";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tidegate-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a full disk is told in words, the old file stays whole and nothing half-written is left", () => {
  const path = join(home, "secrets.json");
  writeFileAtomic(path, "old");
  // The system's own full disk, put where the new content is written first.
  symlinkSync("/dev/full", `${path}.${process.pid}.tmp`);
  const error = errorOf(() => writeFileAtomic(path, "new"));
  expect(explainSystemError(error)).toMatch(/^the disk is full.* Make room and run the same command again$/);
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(home)).toEqual(["secrets.json"]);
});

test("a database on a full disk asks for room, a torn one for a reset", () => {
  const runtime = (line: string) =>
    notStarted(new Error(`The Workers runtime failed to start.\n${line}`), "/here/edge");
  const full = runtime("database or disk is full: SQLITE_FULL");
  expect(full).toMatchObject({
    code: "not_enough_disk",
    message: expect.stringContaining("the disk is full at /here"),
  });
  expect(full.message).not.toContain("reset");
  expect(runtime("file is not a database: SQLITE_NOTADB").message).toMatch(/\(SQLITE_NOTADB\).+ npm run reset$/);
  expect(runtime("").message).toContain("(The Workers runtime failed to start.)");
});

test("a lock that cannot be written leaves nothing behind", async () => {
  const lock = join(home, "start.lock");
  writeFileSync(lock, "");
  const nothing = async (): Promise<void> => {};
  await expect(withFolderLock(lock, () => {}, nothing)).rejects.toMatchObject({ code: "ENOTDIR" });
  expect(readdirSync(home)).toEqual(["start.lock"]);
});

test("a file in a folder's place, and a folder in a file's place, are named", () => {
  const path = join(home, "thing");
  writeFileSync(path, "");
  expect(explainSystemError(errorOf(() => mkdirSync(path, { recursive: true })))).toBe(
    `cannot use ${path}: a file is where a folder must be. Move it away`,
  );
  expect(explainSystemError(errorOf(() => mkdirSync(join(path, "x"), { recursive: true })))).toMatch(/is a file, not/);
  mkdirSync(join(home, "run.json"));
  expect(explainSystemError(errorOf(() => writeFileAtomic(join(home, "run.json"), "")))).toMatch(
    /run\.json: a folder is where a file must be/,
  );
});

test("an error that is none of the disk's keeps its stack", () => {
  expect(explainSystemError(new TypeError("ours"))).toBeUndefined();
  expect(explainSystemError(Object.assign(new Error("x"), { code: "EADDRINUSE" }))).toBeUndefined();
});

test.each([
  ["secrets.json", '{"sess', openSecrets],
  ["secrets.json", "null", openSecrets],
  ["secrets.json", "{}", openSecrets],
  ["agent.key", "junk", openAgentKey],
])("%s holding %j is not replaced, and the way out is named", (name, content, open) => {
  writeFileSync(join(home, name), content);
  expect(() => open(home)).toThrow(`${join(home, name)} cannot be read. Start afresh with: npm run reset`);
  expect(readFileSync(join(home, name), "utf8")).toBe(content);
});

test.each(["{{", "null", "5", '{"pid":"1","children":[]}'])("a run record holding %j ends nobody", async (content) => {
  writeFileSync(join(home, "run.json"), content);
  expect(findLiveRun(home)).toBeUndefined();
  expect(await endFormerRun(home)).toBe(0);
});

test("reset deletes our state, and neither downloads nor what is not ours", async () => {
  for (const name of ["agent", "edge", "openclaw", "openclaw-1.2.3", "chromium-1.0.0", "photos"])
    mkdirSync(join(home, name));
  for (const name of ["secrets.json", "run.json", "run.json.77.tmp", "notes.txt"]) writeFileSync(join(home, name), "");
  const deleted = ["agent", "edge", "openclaw", "run.json", "run.json.77.tmp", "secrets.json"];
  expect((await reset(home)).sort()).toEqual(deleted);
  expect(readdirSync(home).sort()).toEqual(["chromium-1.0.0", "notes.txt", "openclaw-1.2.3", "photos"]);
});

test("reset refuses under a live run, and keeps its files", async () => {
  const parent = processIdOf(process.ppid);
  writeFileSync(join(home, "run.json"), JSON.stringify({ ...parent, children: [] }));
  await expect(reset(home)).rejects.toThrow(`Tidegate is running (pid ${parent.pid}): stop it first`);
  expect(existsSync(join(home, "run.json"))).toBe(true);
});

test("a pid that belongs to another process by now is not ended", async () => {
  const child = { pid: process.ppid, startTime: "1", name: "x", group: false };
  writeFileSync(join(home, "run.json"), JSON.stringify({ pid: 2 ** 22, startTime: "1", children: [child] }));
  expect(await endFormerRun(home)).toBe(0);
});
