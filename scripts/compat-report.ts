/** What the tests say about each release of OpenClaw, as rows of a document. Pure. */

/** One test as vitest's JSON report has it. */
export interface ReportedTest {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages?: string[];
  meta?: { unclassified?: string[] };
}

export interface ReportedFile {
  /** Its path. */
  name: string;
  /** Why it did not even begin. */
  message?: string;
  assertionResults: ReportedTest[];
}

export interface ReleaseResult {
  release: string;
  /** ISO, the day is shown. */
  date: string;
  files: ReportedFile[];
}

export interface Row {
  section: string;
  title: string;
  verdict: "holds" | "degrades" | "fails";
  /** One line: how many, and why not. */
  note: string;
}

const SECTIONS: Record<string, string> = {
  "who-am-i.test.ts": "Who am I?",
  "expiry.test.ts": "The contract with the Control UI",
  "method-gate.test.ts": "Methods and roles",
  "roles.test.ts": "Groups, roles and powers",
  "isolation.test.ts": "People apart",
  "redteam.test.ts": "The red team's attempts",
};
/** Rows of a table that are read as one: what their names have in common, and what they are called together. */
const TABLES: [RegExp, string][] = [
  [/typed raw by a signed-in admin/, "no hostile spelling of a target reaches OpenClaw, not even an admin's"],
  [/^T1 target\//, "a route that is closed to a role, as it is and in every spelling"],
  [/^T2 method\//, "speaking as somebody else, and methods beyond one's role"],
  [/^T\d+ /, "headers, credentials, hostile answers, other sites, other tenants"],
];
const NAMED_BY_HAND = {
  words: /OpenClaw did not make them an administrator/,
  meaning: "this release restarts when its list of administrators changes: they are named by hand (configure --admin)",
};
/** Failures that leave no hole, known by their words: what they mean to people. */
const DEGRADES: Record<string, { words: RegExp; meaning: string }> = {
  "every method that the running OpenClaw knows is classified": {
    words: /\[\]/,
    meaning: "methods that nobody has classified are for admins only",
  },
  "each role gets of the real OpenClaw what it is to get, and no more": {
    words: /expected \{ viewer: 'operator\.write'/,
    meaning: "OpenClaw wants operator.write where it later takes read, so viewers get less",
  },
  "an expired page is renewed without a sign: same tab, same person, and the chat goes on": {
    words: /not to be/,
    meaning:
      "its service worker does not report 401: no silent renewal; the page is led to sign-in when its socket ends",
  },
  "bob, signed in at the provider by now, is not let into alice's page; sign-in asks who it is": {
    words: /Timeout \d+ms exceeded.*Sign in to continue/s,
    meaning: "no silent renewal, so there is none to refuse: bob's sign-in is asked for with the next page",
  },
  "what each person's groups make of them": NAMED_BY_HAND,
  "OpenClaw takes the addresses that stand for people, and shows nobody another": NAMED_BY_HAND,
  "a group that is given makes an administrator, once OpenClaw's own list says so, and others are reconnected":
    NAMED_BY_HAND,
  "a group that is taken away ends the open socket at once, and OpenClaw's list follows": NAMED_BY_HAND,
  "what the Control UI sends for a user": {
    words:
      /^(?:AssertionError: )?pin: INVALID_REQUEST: cannot pin a child session; pin its parent session instead: expected/,
    meaning: "this release itself lets nobody pin such a session; begin, rename, mark as read, archive, delete hold",
  },
};
const LONGEST_NOTE = 160;

export function rowsOf({ files }: ReleaseResult): Row[] {
  return files.flatMap((file) => {
    const section = SECTIONS[file.name.split("/").at(-1) ?? ""] ?? file.name;
    const groups = Map.groupBy(file.assertionResults, nameOf);
    if (file.assertionResults.every(({ status }) => status !== "passed" && status !== "failed")) {
      return [{ section, title: "it starts", verdict: "fails", note: firstLine(file.message ?? "no test ran") } as Row];
    }
    return [...groups].map(([title, tests]) => rowOf(section, title, tests));
  });
}

function nameOf({ ancestorTitles, title }: ReportedTest): string {
  const table = TABLES.find(([names]) => names.test(title))?.[1];
  return table ?? ancestorTitles.find((name) => name !== "") ?? title;
}

function rowOf(section: string, title: string, tests: ReportedTest[]): Row {
  const failed = tests.filter(({ status }) => status !== "passed");
  if (failed.length === 0) return { section, title, verdict: "holds", note: tests.length > 1 ? `${tests.length}` : "" };
  const known = DEGRADES[title];
  const messages = failed.flatMap(({ failureMessages = [""] }) => failureMessages);
  if (known !== undefined && messages.every((text) => known.words.test(text))) {
    const unclassified = failed.flatMap(({ meta }) => meta?.unclassified ?? []).length;
    return {
      section,
      title,
      verdict: "degrades",
      note: `${unclassified > 0 ? `${unclassified} ` : ""}${known.meaning}`,
    };
  }
  const of =
    tests.length > 1 ? `${failed.length} of ${tests.length}: ${failed.map((one) => one.title).join("; ")}: ` : "";
  return { section, title, verdict: "fails", note: firstLine(of + (failed[0]?.failureMessages?.[0] ?? "did not run")) };
}

/** @returns methods of the release that the gate's list does not know */
export function unclassifiedOf({ files }: ReleaseResult): string[] {
  return files.flatMap((file) => file.assertionResults.flatMap(({ meta }) => meta?.unclassified ?? []));
}

/** The document's table and what stands behind it, newest release first. */
export function compatibilityTables(results: ReleaseResult[]): string {
  const rows = results.map(rowsOf);
  const cells = (row: string[]) => `| ${row.join(" | ")} |`;
  const lines: string[] = [];
  for (const section of new Set(rows.flat().map((row) => row.section))) {
    lines.push(`### ${section}`, "", cells(["", ...results.map(({ release }) => release)]));
    lines.push(cells(["---", ...results.map(() => "---")]));
    const titles = new Set(rows.flat().flatMap((row) => (row.section === section ? [row.title] : [])));
    for (const title of titles) {
      const found = rows.map((all) => all.find((row) => row.section === section && row.title === title));
      lines.push(cells([title, ...found.map((row) => (row === undefined ? "not tried" : shown(row)))]));
    }
    lines.push("");
  }
  lines.push("## What does not hold, release by release", "");
  for (const [at, result] of results.entries()) {
    const broken = (rows[at] ?? []).filter(({ verdict }) => verdict !== "holds");
    lines.push(`### ${result.release} (${result.date.slice(0, 10)})`, "");
    if (broken.length === 0) lines.push("Everything holds.");
    for (const { title, verdict, note } of broken) lines.push(`- **${verdict}**: ${title}: ${note}`);
    const unclassified = unclassifiedOf(result);
    if (unclassified.length > 0)
      lines.push(`- for admins only: ${unclassified.map((name) => `\`${name}\``).join(", ")}`);
    lines.push("");
  }
  return lines.join("\n");
}

function shown({ verdict, note }: Row): string {
  return verdict === "holds" && note !== "" ? `holds (${note})` : verdict === "holds" ? "holds" : `**${verdict}**`;
}

/** One line without colours, paths or what would end a table's cell. */
function firstLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  const plain = text.replaceAll(/\u001b\[[0-9;]*m/g, "");
  const line = plain.split("\n").find((part) => part.trim() !== "") ?? "";
  const short = line
    .replaceAll(/\/\S*\//g, "…/")
    .replaceAll("|", "/")
    .trim();
  return short.length > LONGEST_NOTE ? `${short.slice(0, LONGEST_NOTE)}…` : short;
}
