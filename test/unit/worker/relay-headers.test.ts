import { expect, test } from "vitest";
import { foreignCookies } from "../../../worker/relay-headers.ts";

test.each([
  ["nothing", null, ""],
  ["the origin's own", "a=1; b=2", "a=1; b=2"],
  ["one with a comma", "a=1,2; b=3", "a=1,2; b=3"],
  ["ours between them", "a=1; tidegate-default=secret; b=2", "a=1; b=2"],
  ["ours in capitals", "TIDEGATE-default=secret", ""],
  ["a prefixed one of ours", "__Host-tidegate-default=secret; a=1", "a=1"],
  ["another that only the browser may set", "__Secure-x=1; __Host-y=2; a=1", "a=1"],
  ["two lines, ours first in the second", "a=1, tidegate-default=secret; b=2", "b=2"],
  ["two lines without a blank", "a=1,__Host-tidegate-default=secret", ""],
  ["a pair without a name", "=tidegate; a=1", "a=1"],
])("of the cookies, OpenClaw gets %s", (_name, header, expected) => {
  expect(foreignCookies(header)).toBe(expected);
});
