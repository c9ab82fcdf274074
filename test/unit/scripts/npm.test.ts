import type { statfsSync } from "node:fs";
import { expect, test } from "vitest";
import { describeProgress, explainNpmFailure, findDiskShortage } from "../../../scripts/npm.mjs";

test.each([
  [1, "npm error code ENOSPC\nnpm error nospc write", /^the disk is full\. Make room/],
  [1, "npm error code ECONNREFUSED", /^the npm registry cannot be reached\. Check the network/],
  [1, "npm error code EAI_AGAIN", /^the npm registry cannot be reached/],
  [127, "spawn npm ENOENT", /^npm cannot be started/],
  [1, "npm error code EINTEGRITY", /^npm exit 1:\nnpm error code EINTEGRITY$/],
])("npm's exit %i with %j is put in words", (exitCode, tail, text) => {
  expect(explainNpmFailure(exitCode, tail)).toMatch(text);
});

test("progress tells of a network that does not answer while npm still tries", () => {
  expect(describeProgress({ packages: 0, seconds: 4.2, trouble: "ENOTFOUND" })).toBe(
    "0 packages, 4 s (ENOTFOUND; npm tries again)",
  );
  expect(describeProgress({ packages: 7, seconds: 4.2, trouble: "" }, 330)).toBe("7/330 packages, 4 s");
});

test("too little room is told before the download, with how much there is", () => {
  const disk = (gigabytes: number) =>
    (() => ({ bavail: gigabytes * 1e6, bsize: 1000 })) as unknown as typeof statfsSync;
  expect(findDiskShortage("/here", disk(1.2))).toMatch(/needs 3 GB .*only 1\.2 GB are free in \/here/);
  expect(findDiskShortage("/here", disk(3))).toBeUndefined();
});
