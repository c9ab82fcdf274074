import { expect, test } from "vitest";
import { compatibilityTables, rowsOf, unclassifiedOf, type ReportedTest } from "../../../scripts/compat-report.ts";

const passed = (title: string, ...ancestorTitles: string[]): ReportedTest => ({
  ancestorTitles,
  title,
  status: "passed",
});
const failed = (title: string, message: string, meta: ReportedTest["meta"] = {}): ReportedTest => ({
  ancestorTitles: [],
  title,
  status: "failed",
  failureMessages: [message],
  meta,
});
const METHODS = "every method that the running OpenClaw knows is classified";

function rows(...assertionResults: ReportedTest[]) {
  return rowsOf({ release: "1", date: "2026-11-23", files: [{ name: "/x/expiry.test.ts", assertionResults }] });
}

test("a test is a row, a group of tests is one with their number", () => {
  expect(rows(passed("it waits"), passed("a", "each role"), passed("b", "each role"))).toEqual([
    { section: "The contract with the Control UI", title: "it waits", verdict: "holds", note: "" },
    { section: "The contract with the Control UI", title: "each role", verdict: "holds", note: "2" },
  ]);
});

test("hostile targets are one row, and name those that got through", () => {
  const [row, other] = rows(
    passed("T1 target/POST //x"),
    failed("T1 target/POST /y", "got 200"),
    passed("T2 method/wake"),
  );
  expect(row).toMatchObject({ verdict: "fails", note: "1 of 2: T1 target/POST /y: got 200" });
  expect(other).toMatchObject({ title: "speaking as somebody else, and methods beyond one's role", verdict: "holds" });
});

test("methods nobody has read degrade a release, whatever else fails breaks it", () => {
  const unread = failed(METHODS, "expected [ 'tide.turn' ] to deeply equal []", { unclassified: ["tide.turn"] });
  expect(rows(unread)).toMatchObject([
    { verdict: "degrades", note: "1 methods that nobody has classified are for admins only" },
  ]);
  expect(rows(failed(METHODS, "OpenClaw says it is another release"))).toMatchObject([{ verdict: "fails" }]);
  const renewal = "an expired page is renewed without a sign: same tab, same person, and the chat goes on";
  expect(rows(failed(renewal, "expected 'a' not to be 'a'"))).toMatchObject([{ verdict: "degrades" }]);
  expect(rows(failed(renewal, "expected bob to be alice"))).toMatchObject([{ verdict: "fails" }]);
  const files = [{ name: "method-gate.test.ts", assertionResults: [unread] }];
  expect(unclassifiedOf({ release: "1", date: "", files })).toEqual(["tide.turn"]);
});

test("a skipped test does not hold, and a file that did not begin says why", () => {
  expect(rows(passed("one"), { ...passed("two"), status: "skipped" })).toMatchObject([
    { verdict: "holds" },
    { title: "two", verdict: "fails", note: "did not run" },
  ]);
  const files = [{ name: "expiry.test.ts", message: "Invalid config at /tmp/x/openclaw.json", assertionResults: [] }];
  expect(rowsOf({ release: "1", date: "", files })).toMatchObject([
    { title: "it starts", verdict: "fails", note: "Invalid config at …/openclaw.json" },
  ]);
});

test("the document has a column for each release and a reason for each thing that does not hold", () => {
  const file = (tests: ReportedTest[]) => [{ name: "expiry.test.ts", assertionResults: tests }];
  const text = compatibilityTables([
    { release: "2", date: "2026-11-23T10:00:00Z", files: file([passed("it waits")]) },
    {
      release: "1",
      date: "2026-11-22T10:00:00Z",
      files: file([failed("it waits", "\u001b[31mit did | not\u001b[0m\nat x")]),
    },
  ]);
  expect(text).toContain("|  | 2 | 1 |");
  expect(text).toContain("| it waits | holds | **fails** |");
  expect(text).toContain("### 2 (2026-11-23)\n\nEverything holds.");
  expect(text).toContain("- **fails**: it waits: it did / not");
});
