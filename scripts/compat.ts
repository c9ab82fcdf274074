import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "./atomic-file.ts";
import { findChromium } from "./chromium.ts";
import { compatibilityTables, rowsOf, type ReleaseResult, type ReportedFile } from "./compat-report.ts";
import { installOpenClaw, RELEASE_VARIABLE } from "./openclaw-install.ts";
import { downloadFolder, rootFolder } from "./paths.ts";
import { exitWith, say } from "./script-error.ts";
import { runTool } from "./tool.ts";

const HELP = `npm run compat [-- <release>…]
  runs the contract tests against each release of OpenClaw (default: those below) and writes docs/compatibility.md;
  results of releases that are not named again are kept from the run before`;
/** The newest, older ones that know people, and the last that does not. */
const RELEASES = ["2026.9.6", "2026.9.3", "2026.9.1", "2026.8.2", "2026.8.1", "2026.7.35"];
const FILES = ["who-am-i", "expiry", "method-gate", "roles", "isolation", "redteam"].map(
  (name) => `test/e2e/${name}.test.ts`,
);
const RESULTS = join(downloadFolder, "compat");
const DOCUMENT = join(rootFolder, "docs/compatibility.md");
const MARK = "<!-- below: written by npm run compat -->";

async function tryRelease(release: string): Promise<ReleaseResult> {
  process.env[RELEASE_VARIABLE] = release;
  await installOpenClaw();
  const report = join(RESULTS, "report.json");
  rmSync(report, { force: true });
  const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`];
  // A second try, because a matrix is long and a machine may be busy: what does not hold fails twice.
  const patience = ["--retry=1", "--testTimeout=240000", "--hookTimeout=300000"];
  const args = ["run", "--project", "e2e", "--no-file-parallelism", ...patience, ...reporters, ...FILES];
  await runTool({ tool: "vitest", args });
  const files = existsSync(report)
    ? (JSON.parse(readFileSync(report, "utf8")) as { testResults: ReportedFile[] }).testResults
    : [];
  return { release, date: new Date().toISOString(), files };
}

function keptResults(): ReleaseResult[] {
  const names = readdirSync(RESULTS).filter((name) => /^\d.*\.json$/.test(name));
  const results = names.map((name) => JSON.parse(readFileSync(join(RESULTS, name), "utf8")) as ReleaseResult);
  return results.sort((one, other) => other.release.localeCompare(one.release, "en", { numeric: true }));
}

async function main(args: string[]): Promise<void> {
  if (args.includes("--help")) return console.log(HELP);
  mkdirSync(RESULTS, { recursive: true });
  await findChromium(downloadFolder);
  for (const release of args.length > 0 ? args : RELEASES) {
    say(`OpenClaw ${release}`);
    const result = await tryRelease(release);
    writeFileAtomic(join(RESULTS, `${release}.json`), JSON.stringify(result), 0o644);
    const rows = rowsOf(result);
    for (const { verdict, title, note } of rows) if (verdict !== "holds") say(`  ${verdict}: ${title}: ${note}`);
    say(`OpenClaw ${release}: ${rows.filter(({ verdict }) => verdict === "holds").length} of ${rows.length} hold`);
  }
  const [words = ""] = readFileSync(DOCUMENT, "utf8").split(MARK);
  writeFileAtomic(DOCUMENT, `${words}${MARK}\n\n${compatibilityTables(keptResults())}`, 0o644);
  await runTool({ tool: "prettier", args: ["--write", "--log-level=warn", DOCUMENT] });
  say("written: docs/compatibility.md");
}

if (import.meta.main) process.exit((await main(process.argv.slice(2)).catch(exitWith)) ?? 0);
