/** What several tenants of one deployment may not have in common. */
import type { TenantDocument } from "./tenant-document.ts";

/** A document as far as it could be read, and how its places are named. */
export interface ReadDocument {
  document: Partial<TenantDocument>;
  report: (path: (string | number)[], expected: string) => void;
}

export function reportConflicts(all: readonly ReadDocument[]): void {
  reportDoubleIds(all);
  reportConsoleHosts(all);
  for (const [index, later] of all.entries()) {
    for (const earlier of all.slice(0, index)) {
      for (const [at, host] of (later.document.hosts ?? []).entries()) {
        if (earlier.document.hosts?.includes(host)) reportSharedHost(earlier, later, at);
      }
    }
  }
}

/** A console shares its origin with nothing: what runs there may end everybody's session. */
function reportConsoleHosts(all: readonly ReadDocument[]): void {
  const taken = new Set(all.flatMap(({ document }) => document.hosts ?? []));
  for (const { document, report } of all) {
    const { consoleHost } = document;
    if (consoleHost === undefined || consoleHost === null) continue;
    if (taken.has(consoleHost)) report(["consoleHost"], "a host that no tenant and no other console has");
    taken.add(consoleHost);
  }
}

function reportDoubleIds(all: readonly ReadDocument[]): void {
  const seen = new Set<string>();
  for (const { document, report } of all) {
    if (document.id === undefined) continue;
    if (seen.has(document.id)) report(["id"], "an id that no other tenant has");
    seen.add(document.id);
  }
}

/**
 * One origin is one trust domain: a page of one tenant can act in the other with its visitor's rights (facts: cookies,
 * service workers and scripts know origins, not paths). So both say that they know, and neither has admins of its own.
 */
function reportSharedHost(earlier: ReadDocument, later: ReadDocument, at: number): void {
  if (earlier.document.basePath === later.document.basePath) {
    later.report(["hosts", at], "a host that no other tenant has, or another basePath on it");
    return;
  }
  for (const { document, report } of [earlier, later]) {
    if (document.sharedOrigin === false) report(["sharedOrigin"], "true, because another tenant has the same host");
  }
  if (JSON.stringify(earlier.document.admins) !== JSON.stringify(later.document.admins)) {
    later.report(["admins"], "the same admins as the other tenant on this host: they share an origin");
  }
}
