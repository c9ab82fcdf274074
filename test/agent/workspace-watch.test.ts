import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchWorkspace } from "../../workspace-agent/identity/workspace-watch.ts";

/** Well below the time after which everything is looked at anyway. */
const SOON = 8_000;

let home: string;
let folder: string;
let end: () => void;
let changes: number;
let failures: string[];
let wake: () => void;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tidegate-"));
  folder = join(home, "workspace");
  changes = 0;
  failures = [];
  wake = () => {};
});
afterEach(async () => {
  end();
  await rm(home, { recursive: true });
});

function watchIt(): void {
  end = watchWorkspace(
    folder,
    () => {
      changes += 1;
      wake();
    },
    (code) => failures.push(code),
  );
}

/** Resolves with the next change that is told of after `act`. */
async function changeAfter(act: () => Promise<unknown>): Promise<void> {
  const before = changes;
  await act();
  while (changes === before) await new Promise<void>((resolve) => (wake = resolve));
}

test("a change of USER.md is told", { timeout: SOON }, async () => {
  await mkdir(folder);
  watchIt();
  await changeAfter(() => writeFile(join(folder, "USER.md"), "pwned"));
});

test("a workspace that is made while this runs is told, and watched from then on", { timeout: SOON }, async () => {
  watchIt();
  await changeAfter(() => mkdir(folder));
  await changeAfter(() => writeFile(join(folder, "USER.md"), "pwned"));
  expect(failures).toEqual([]);
});

test.each([
  ["removed", () => rm(folder, { recursive: true })],
  ["moved away", () => rename(folder, join(home, "trash"))],
])("a workspace that was %s and is made again is watched again", { timeout: SOON }, async (_name, take) => {
  await mkdir(folder);
  watchIt();
  await take();
  await changeAfter(() => mkdir(folder));
  await changeAfter(() => writeFile(join(folder, "USER.md"), "pwned"));
  expect(failures).toEqual([]);
});
