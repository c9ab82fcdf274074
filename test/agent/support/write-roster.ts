/**
 * A process of its own that withdraws everybody from a workspace once: for limits that only a whole process can have.
 * usage: write-roster.ts <workspace> [user id to become, once everything is loaded]
 */
import { RosterFiles, writeRosters } from "../../../workspace-agent/identity/roster-files.ts";
import { WorkspaceFiles } from "../../../workspace-agent/identity/workspace-files.ts";

const roster = new RosterFiles(
  new WorkspaceFiles(process.argv[2] ?? ""),
  "https://gw.example",
  () => {},
  () => 0,
);
const [, , , user] = process.argv;
if (user !== undefined) process.setuid?.(Number(user));
const told = await writeRosters([roster], [], { ids: new Map(), ambiguous: new Set() }).then(
  (changed) => `changed ${changed}`,
  (error: Error) => error.message,
);
process.stdout.write(told);
