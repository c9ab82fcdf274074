import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Every document of ours; what is installed or generated is not. */
function documents(): string[] {
  const own = readdirSync(".", { encoding: "utf8" }).filter((file) => file.endsWith(".md"));
  const folders = ["docs", "protocol", "test"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join(folder, file)),
  );
  return [...own, ...folders];
}

test.each(documents())("every file that %s links to is there", (document) => {
  const text = readFileSync(document, "utf8");
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? "");
  const missing = targets.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(dirname(document), target)));
  expect(missing).toEqual([]);
});

test("every command that the README names exists", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const named = [...readFileSync("README.md", "utf8").matchAll(/`npm run ([a-z:]+)/g)].map(([, name]) => name ?? "");
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  expect(named.length).toBeGreaterThan(4);
});
