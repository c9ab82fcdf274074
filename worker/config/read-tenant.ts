/** One raw tenant document, read as far as it is good, with every problem in it reported at once. */
import type { ProviderSettings } from "../oidc/provider-settings.ts";
import { expandProvider } from "./expand-provider.ts";
import { provider as providerEntries } from "./provider-document.ts";
import { isRecord, readEntries } from "./schema.ts";
import type { ReadDocument } from "./tenant-conflicts.ts";
import { tenant as tenantEntries, type TenantDocument } from "./tenant-document.ts";

type Path = (string | number)[];

export interface ReadContext {
  development: boolean;
  secret: (name: string) => string | undefined;
  /** A problem at a place of this document. */
  report: (path: Path, expected: string) => void;
  /** A problem with a secret, by its name. */
  reportSecret: (name: string, expected: string) => void;
}

export interface ReadTenant extends ReadDocument {
  providers: ProviderSettings[];
}

export function readTenant(raw: unknown, context: ReadContext): ReadTenant {
  const { report } = context;
  const document = readEntries(tenantEntries, raw, (path, expected) => report([...path], expected));
  const rawProviders = isRecord(raw) && Array.isArray(raw["providers"]) ? raw["providers"] : [];
  const providers = rawProviders.map((entry, index) => readProvider(entry, index, context));
  reportDoubles(document, rawProviders, report);
  reportTrust(document, report);
  reportLimits(document, report);
  return { document, providers: providers.filter((entry) => entry !== undefined), report };
}

/** By itself, so that a slip elsewhere in the document does not hide what is wrong here. */
function readProvider(raw: unknown, index: number, context: ReadContext): ProviderSettings | undefined {
  if (!isRecord(raw)) return undefined;
  // What does not parse has been reported with the whole document.
  const known = readEntries(providerEntries, raw, () => undefined);
  return expandProvider(known, {
    development: context.development,
    secret: context.secret,
    has: (field) => Object.hasOwn(raw, field),
    report(at, expected) {
      if ("secret" in at) context.reportSecret(at.secret, expected);
      else context.report(["providers", index, at.field], expected);
    },
  });
}

function reportDoubles(document: Partial<TenantDocument>, providers: unknown[], report: ReadContext["report"]): void {
  const ids = providers.map((entry) => (isRecord(entry) ? (entry["id"] ?? entry["preset"]) : undefined));
  for (const [index, id] of ids.entries()) {
    const twice = id !== undefined && ids.indexOf(id) !== index;
    if (twice) report(["providers", index, "id"], "an id that no other provider of the tenant has");
  }
  for (const [index, host] of (document.hosts ?? []).entries()) {
    if (document.hosts?.indexOf(host) !== index) report(["hosts", index], "each host once");
  }
  const agents = document.agents ?? [];
  for (const [index, { id }] of agents.entries()) {
    if (agents.findIndex((agent) => agent.id === id) !== index) report(["agents", index, "id"], "each agent once");
  }
}

/** A tenant's object forgets what was used up when it sleeps, 10 s after its last work: until then all must be full again. */
function reportLimits({ limits }: Partial<TenantDocument>, report: ReadContext["report"]): void {
  for (const name of ["requests", "upgrades", "messages", "signInsOfAddress", "signInsOfPerson"] as const) {
    const rate = limits?.[name];
    if (rate === undefined || rate.burst <= 10 * rate.perSecond) continue;
    report(["limits", name, "burst"], "at most ten times perSecond");
  }
}

/**
 * With a second provider, a name alone says nothing: whoever runs one of them could create the other's group or claim
 * the other's addresses. From then on every rule says whose word it takes.
 */
function reportTrust(document: Partial<TenantDocument>, report: ReadContext["report"]): void {
  const providers = document.providers ?? [];
  const ids = providers.map(({ id, preset }) => id ?? preset);
  const several = providers.length > 1;
  for (const [index, { emailDomains }] of providers.entries()) {
    if (several && emailDomains === undefined) {
      report(
        ["providers", index, "emailDomains"],
        "the domains that this provider may speak for, because there are several",
      );
    }
  }
  const lists: [Path, TenantDocument["allow"] | undefined][] = [
    [["allow"], document.allow],
    [["admins"], document.admins],
    ...(document.roles ?? []).map((entry, index): [Path, TenantDocument["allow"]] => [["roles", index], entry]),
  ];
  for (const [path, people] of lists) {
    for (const kind of ["groups", "claims"] as const) {
      for (const [index, { provider }] of (people?.[kind] ?? []).entries()) {
        const at = [...path, kind, index];
        if (provider === null && several) report(at, "the provider whose word counts, because there are several");
        if (provider !== null && document.providers !== undefined && !ids.includes(provider)) {
          report([...at, "provider"], "the id of one of the tenant's providers");
        }
      }
    }
  }
}
