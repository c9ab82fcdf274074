import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONFIGURATION_PAGE, configurationPage } from "../../../scripts/config-docs.ts";
import { variables } from "../../../worker/config/variables.ts";
import { tenant } from "../../../worker/config/tenant-document.ts";

test("docs/configuration.md is what the schema says; if not: npm run docs:config", async () => {
  expect(readFileSync(CONFIGURATION_PAGE, "utf8")).toBe(await configurationPage());
});

test("every variable and every field of the tenant document has a row", async () => {
  const page = await configurationPage();
  for (const name of [...Object.keys(variables), ...Object.keys(tenant)]) {
    expect(page).toMatch(new RegExp(`^\\| \`${name}(\\[\\])?\``, "m"));
  }
});

test("what nothing enforces yet says so", async () => {
  const page = await configurationPage();
  for (const field of ["basePath", "shards"]) {
    expect(page).toMatch(new RegExp(`^\\| \`${field}\`.*Not enforced yet`, "m"));
  }
});
