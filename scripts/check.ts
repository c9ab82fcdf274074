import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { rootFolder } from "./paths.ts";
import { runSteps, type Step } from "./tool.ts";

/** What can be said about the sources without running them: format, lint and types of every folder. */
export function runChecks(): Promise<boolean> {
  const types = findTypeProjects().map((project) => ({
    name: `types ${project}`,
    tool: "tsc",
    args: ["--noEmit", "-p", project],
  }));
  const steps: Step[] = [
    { name: "format", tool: "prettier", args: ["--check", "--log-level=warn", "."] },
    { name: "lint", tool: "oxlint", args: ["--deny-warnings", "--ignore-path=.gitignore"] },
    ...types,
  ];
  return runSteps(steps);
}

/** Each folder's tsconfig.json, three levels deep. */
function findTypeProjects(): string[] {
  const withChildren = (folder: string): string[] => [folder, ...listFolders(folder)];
  const folders = listFolders(".").flatMap(withChildren).flatMap(withChildren);
  return [...new Set(folders)]
    .map((folder) => join(folder, "tsconfig.json"))
    .filter((path) => existsSync(join(rootFolder, path)));
}

function listFolders(folder: string): string[] {
  return readdirSync(join(rootFolder, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
    .map((entry) => join(folder, entry.name));
}

if (import.meta.main) process.exit((await runChecks()) ? 0 : 1);
