import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { requireUsableWorkspace, requireWorkspaceParent } from "../../../scripts/workspace.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a workspace as OpenClaw makes it is usable, and one that is not there yet", () => {
  mkdirSync(join(folder, "users"));
  writeFileSync(join(folder, "USER.md"), "");
  expect(() => requireUsableWorkspace(folder)).not.toThrow();
  expect(() => requireUsableWorkspace(join(folder, "later"))).not.toThrow();
  expect(() => requireWorkspaceParent(join(folder, "later"))).not.toThrow();
});

test.each<[reason: string, make: (at: string) => void]>([
  ["it is not a folder", (at) => writeFileSync(at, "")],
  ["USER.md is not a regular file", (at) => mkdirSync(join(at, "USER.md"), { recursive: true })],
  ["users is not a folder", (at) => (mkdirSync(at), writeFileSync(join(at, "users"), ""))],
  // OpenClaw refuses links in its workspace, and so does the agent.
  ["USER.md is not a regular file", (at) => (mkdirSync(at), symlinkSync("/etc/hostname", join(at, "USER.md")))],
])("unusable: %s", (reason, make) => {
  const workspace = join(folder, "workspace");
  make(workspace);
  expect(() => requireUsableWorkspace(workspace)).toThrow(`OpenClaw's workspace ${workspace} cannot be used: `);
  expect(() => requireUsableWorkspace(workspace)).toThrow(reason);
});

test("a slip in the middle of the path is found", () => {
  expect(() => requireWorkspaceParent(join(folder, "slip", "workspace"))).toThrow("there is no such folder");
});
