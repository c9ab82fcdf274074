/** Where a sign-in may lead back to: an address of this very origin and none of our own, whatever was asked for. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { returnTarget } from "../../../worker/not-signed-in.ts";

const ORIGIN = "https://claw.example.com";
const piece = fc.constantFrom(
  "/",
  "//",
  "\\",
  "/_gate",
  "/_gate/logout",
  "/%5fgate",
  "_gate",
  "..",
  "/.",
  "%2e%2e",
  "%2f",
  "?",
  "#",
  "@",
  ":",
  "https:",
  "javascript:",
  "evil.example",
  "\t",
  "\n",
  "\0",
  " ",
  "é",
  "next=/",
  "openclaw_mount_recovery=1",
  "chat/main",
);
const wanted = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
  fc.string(),
  fc.webUrl(),
);

test("any text leads to a path of the same origin, not to our own pages", () => {
  fc.assert(
    fc.property(wanted, (text) => {
      const target = returnTarget(text);
      expect(target).toMatch(/^\/(?!\/)[!-~]*$/);
      const url = new URL(target, ORIGIN);
      expect(url.origin).toBe(ORIGIN);
      expect(url.pathname).not.toMatch(/^\/+_gate(\/|$)/);
      expect(url.searchParams.has("openclaw_mount_recovery")).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test("what is safe stays what it is: asking again changes nothing", () => {
  fc.assert(
    fc.property(wanted, (text) => {
      const once = returnTarget(text);
      expect(returnTarget(once)).toBe(once);
    }),
    { numRuns: 2_000 },
  );
});
