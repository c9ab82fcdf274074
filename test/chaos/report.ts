/** The table that a run ends with. */
import { COLUMNS, type Ledger } from "./ledger.ts";
import type { FaultCounts } from "./faults.ts";

const MIB = 1024 * 1024;
const MAX_FINDINGS = 20;

export interface Run {
  seed: number;
  wanted: FaultCounts;
  done: FaultCounts & { outages: number; refusedEvictions: number; awayMs: number };
  seconds: number;
  memory: { workerd: number; agent: number };
  longestOrphanMs: number;
  proxyBytes: number;
  agentBoots: number;
}

export function printReport(ledger: Ledger, run: Run): void {
  const { done, wanted } = run;
  const row = (name: string, value: string | number) => console.log(`  ${name.padEnd(34)} ${value}`);
  console.log(`chaos, seed ${run.seed}, ${run.seconds.toFixed(0)} s`);
  row("cuts", `${done.cuts} of ${wanted.cuts}, ${done.outages} of them with the network away after it`);
  row("agent kills", `${done.kills} of ${wanted.kills}`);
  row("evictions", `${done.evictions} of ${wanted.evictions}, ${done.refusedEvictions} more refused by a busy object`);
  row("waited for a connection", `${(done.awayMs / 1000).toFixed(1)} s in all`);
  row("sockets opened", ledger.lives.size);
  row("messages arrived, up and down", `${ledger.messages.up} and ${ledger.messages.down}`);
  const { down, up, restarted } = ledger.transfers;
  row("transfers complete, down and up", `${down} and ${up}, ${restarted} begun again`);
  row("through the proxy", `${(run.proxyBytes / MIB).toFixed(0)} MiB`);
  row("peak memory, workerd and agent", `${mebibytes(run.memory.workerd)} and ${mebibytes(run.memory.agent)}`);
  row("longest socket without its browser", `${(run.longestOrphanMs / 1000).toFixed(1)} s`);
  console.log("must be 0");
  for (const column of COLUMNS) row(column === "silent" ? "silently ended" : column, ledger.counts[column]);
  console.log("ended with a code");
  const ended = [...ledger.ended].sort(([, one], [, other]) => other - one);
  for (const [words, count] of ended) row(words, count);
  row("messages under way at such an end", ledger.inFlight);
  if (ledger.clean) return;
  console.log("findings");
  for (const finding of ledger.findings.slice(0, MAX_FINDINGS)) console.log(`  ${finding}`);
  const more = ledger.findings.length - MAX_FINDINGS;
  if (more > 0) console.log(`  … and ${more} more`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
