/** docs/conformance.md says no more than tests do. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const rows = readFileSync("docs/conformance.md", "utf8")
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => cells[1]?.startsWith("`"));

test.each(rows.map((cells) => [cells[1]?.replaceAll("`", "") ?? "", cells]))("%s", (module, cells) => {
  const [, , where = "", result = ""] = cells;
  if (/^not (applicable|built)/.test(result)) return expect(where).toBe("");
  const file = /\]\(\.\.\/(.+?)\)/.exec(where)?.[1] ?? "";
  expect(readFileSync(file, "utf8")).toContain(`"${module}"`);
  expect(result).toMatch(/^(accepted|refused|sent|ignored|followed|shown)/);
});

test("every module of the relying-party plans that sign-in meets is listed once", () => {
  const names = rows.map((cells) => cells[1]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(50);
});
