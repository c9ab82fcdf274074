/** docs/threat-model.md names code and tests; all of it is there. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const text = readFileSync("docs/threat-model.md", "utf8");
/** `| T1 | threat | control | state | code | tests |` */
const rows = [...text.matchAll(/^\| (T\d+) \|(.*)\|$/gm)].map(([, id = "", cells = ""]) => {
  const [threat = "", control = "", state = "", code = "", tests = ""] = cells.split(" | ").map((cell) => cell.trim());
  return { id, threat, control, state, code: pathsIn(code), tests: testsIn(tests), named: tests.split("<br>").length };
});

function pathsIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path);
}

function testsIn(cell: string): { path: string; title: string }[] {
  return [...cell.matchAll(/`(test\/[^`]+)` "(.+?)"(?=<br>|$)/g)].map(([, path = "", title = ""]) => ({ path, title }));
}

test("there is a row for each of the 26 threats, in order", () => {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 26 }, (_, n) => `T${n + 1}`));
});

test.each(rows)("$id names its control, code that exists, and tests that are in their files", (row) => {
  for (const cell of [row.threat, row.control]) expect(cell.length).toBeGreaterThan(10);
  expect(row.code.length).toBeGreaterThan(0);
  expect(row.code.filter((path) => !existsSync(path))).toEqual([]);
  expect(row.tests.length).toBe(row.named);
  const absent = row.tests.filter(
    ({ path, title }) => !existsSync(path) || !readFileSync(path, "utf8").includes(title),
  );
  expect(absent).toEqual([]);
});

test.each(rows)("$id is held, or what is missing is told", ({ id, state }) => {
  expect(["held", "partly", "open"]).toContain(state);
  const missing = text.slice(text.indexOf("## What is missing"), text.indexOf("## Accepted risks"));
  if (state !== "held") expect(missing).toContain(`**${id}** `);
});
