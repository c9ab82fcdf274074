import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isWantedNode, launcherFault, noNodeText } from "../../../scripts/node-version.mjs";

test.each(["v12.22.12", "v16.20.2", "v18.20.8"])("Node %s is told what to get", (version) => {
  expect(launcherFault(version)).toBe(
    `needs Node 20 or newer to begin; this is ${version}. Get one at https://nodejs.org/en/download`,
  );
});

test.each(["v20.0.0", "v22.11.0", "v24.21.0", "v27.0.0"])("Node %s may begin", (version) => {
  expect(launcherFault(version)).toBeUndefined();
});

test.each([
  ["v20.20.2", false],
  ["v24.15.9", false],
  ["v24.16.0", true],
  ["v25.9.0", false],
  ["v26.0.0", false],
  ["v26.1.0", true],
  ["v30.0.0", true],
])("Node %s runs the sources and OpenClaw: %s", (version, wanted) => {
  expect(isWantedNode(version)).toBe(wanted);
});

test("where npm's Node does not start either, the text says which versions do", () => {
  expect(noNodeText("v20.20.2", "linux-arm64")).toMatch(/needs Node 24\.16 .*this is v20\.20\.2 on linux-arm64/);
});

test.each(["run.mjs", "node-version.mjs"])("%s is understood by an old Node, which must live to say so", (name) => {
  const source = readFileSync(new URL(`../../../scripts/${name}`, import.meta.url), "utf8");
  expect(source).not.toMatch(/from "node:|^\s*await |\?\.|\?\?/m);
});
