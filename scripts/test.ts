import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runBuild } from "./build.ts";
import { runChecks } from "./check.ts";
import { findChromium } from "./chromium.ts";
import { installOpenClaw } from "./openclaw-install.ts";
import { downloadFolder } from "./paths.ts";
import { ScriptError, exitWith } from "./script-error.ts";
import { runTool, timed } from "./tool.ts";

const PROJECTS = ["unit", "oidc", "agent", "model", "workers", "e2e"] as const;
type Project = (typeof PROJECTS)[number];

interface Count {
  passed: number;
  failed: number;
}

/**
 * The numbers of vitest's JSON report. A skipped test counts as failed: it is a promise nobody checks.
 */
export function countTests(report: string): Count {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = JSON.parse(report) as Record<
    string,
    number
  > & {
    success: boolean;
  };
  const failed = (numFailedTests ?? 0) + (numPendingTests ?? 0) + (numTodoTests ?? 0);
  // A file that does not even load fails the run without any test in it.
  return { passed: numPassedTests ?? 0, failed: failed === 0 && !success ? 1 : failed };
}

/** Runs one vitest project and counts its tests; a project that leaves no report failed. */
async function runProject(project: Project): Promise<Count> {
  const report = join(downloadFolder, "test-results", `${project}.json`);
  mkdirSync(join(downloadFolder, "test-results"), { recursive: true });
  rmSync(report, { force: true });
  if (project === "e2e") await prepareEndToEnd();
  const alone = project === "e2e" ? ["--no-file-parallelism"] : [];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const exitCode = await runTool({ tool: "vitest", args: ["run", "--project", project, ...reporters, ...alone] });
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const count = countTests(readFileSync(report, "utf8"));
  return exitCode !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

/** Downloads happen here, with progress, and not inside a test's time limit. */
async function prepareEndToEnd(): Promise<void> {
  await installOpenClaw();
  await findChromium(downloadFolder);
}

async function main(args: string[]): Promise<boolean> {
  const unknown = args.find((name) => !PROJECTS.includes(name as Project));
  if (unknown !== undefined)
    throw new ScriptError("bad_setting", `unknown part ${unknown}; parts are ${PROJECTS.join(", ")}`);
  const isWhole = args.length === 0;
  const projects = isWhole ? PROJECTS : PROJECTS.filter((project) => args.includes(project));
  const total: Count = { passed: 0, failed: 0 };
  let allPassed = !isWhole || (await runChecks());
  for (const project of projects) {
    const passed = await timed(`test ${project}`, async () => {
      const count = await runProject(project).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        return { passed: 0, failed: 1 };
      });
      total.passed += count.passed;
      total.failed += count.failed;
      return count.failed === 0;
    });
    allPassed &&= passed;
  }
  if (isWhole && !(await runBuild())) allPassed = false;
  console.log(`tests: ${total.passed} passed, ${total.failed} failed`);
  return allPassed;
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  process.exit((await main(process.argv.slice(2)).catch(exitWith)) ? 0 : 1);
}
