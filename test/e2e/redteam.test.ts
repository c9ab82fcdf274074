/** The red team's list, once for CI; `npm run redteam` prints it as a table. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tryOut } from "../redteam/attempt.ts";
import { ATTEMPTS } from "../redteam/attempts.ts";
import { startWorld, type World } from "../redteam/world.ts";

const home = mkdtempSync(join(tmpdir(), "tidegate-redteam-"));
let world: World;

beforeAll(async () => {
  world = await startWorld(home);
});

afterAll(async () => {
  await world?.stop();
  rmSync(home, { recursive: true, force: true });
});

test("every attempt is one threat's", () => {
  const threats = new Set(Array.from({ length: 26 }, (_, n) => `T${n + 1}`));
  expect(ATTEMPTS.filter(({ threat }) => !threats.has(threat))).toEqual([]);
});

test("no two attempts have one name", () => {
  expect(new Set(ATTEMPTS.map(({ id }) => id)).size).toBe(ATTEMPTS.length);
});

test.each(ATTEMPTS)("$threat $id", async (attempt) => {
  const { got, held } = await tryOut(attempt, world);
  expect(held, `expected: ${attempt.expected}\ngot: ${got}`).toBe(true);
});
