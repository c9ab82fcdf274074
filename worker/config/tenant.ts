/** A tenant as the rest of the Worker sees it, one per host: its document, expanded and with its secrets. */
import { ROLES, type Role } from "#protocol/identity.ts";
import type { TenantCall } from "../../durable-objects/rpc.ts";
import type { TenantSettings } from "../../durable-objects/tenant-settings.ts";
import { admitBy } from "../access/decide-access.ts";
import type { AccessRules } from "../access/rules.ts";
import type { Admit, ProviderSettings } from "../oidc/provider-settings.ts";
import type { TenantDocument } from "./tenant-document.ts";

export interface Tenant {
  /** `[a-z0-9-]{1,63}`; part of object names, cookie names and keys. */
  id: string;
  /** Scheme, host and port that people type; every own link and Origin check uses it. */
  publicUrl: URL;
  /** What is served here: the assistant, or the console of the same tenant, on a host of its own. */
  kind: "workspace" | "console";
  /** Where the same tenant's console is, if it has one. */
  consoleUrl: URL | null;
  /** Empty, or `/segment`. */
  basePath: string;
  name: string;
  contact: string | null;
  /** Shown at the first visit, besides our own sentence. */
  notice: string | null;
  shards: number;
  /** Enrolled agents: id → raw Ed25519 public key, base64url. */
  agentKeys: ReadonlyMap<string, string>;
  providers: readonly ProviderSettings[];
  /** Kept for reason codes; {@link Tenant.admit} is these rules as one question. */
  access: AccessRules;
  admit: Admit;
  /** Whether OpenClaw hides people's sessions from each other, see the tenant document. */
  ownSessions: boolean;
  sessions: TenantDocument["sessions"];
  limits: TenantDocument["limits"];
  policy: TenantDocument["policy"];
  /** What goes with every call to the tenant's object. */
  call: TenantCall;
}

/** @returns the tenant once per host, in the document's order; its console last */
export function tenantSites(
  document: TenantDocument,
  providers: readonly ProviderSettings[],
  schemeOf: (host: string) => "http:" | "https:",
): Tenant[] {
  const { id, basePath, name, contact, notice, shards, ownSessions, sessions, limits, policy } = document;
  const access: AccessRules = { allow: document.allow, admins: document.admins, roles: document.roles };
  const agentKeys = new Map(document.agents.map(({ id: agent, publicKey }) => [agent, publicKey]));
  const admit = admitBy(access);
  const call: TenantCall = { tenant: id, settings: JSON.stringify(settingsOf(document)) };
  const plain = { id, basePath, name, contact, notice, shards, ownSessions, sessions, limits, policy, call };
  const urlOf = (host: string) => new URL(`${schemeOf(host)}//${host}`);
  const consoleUrl = document.consoleHost === null ? null : urlOf(document.consoleHost);
  const everywhere = { ...plain, agentKeys, providers, access, admit, consoleUrl };
  const siteAt = (host: string, kind: Tenant["kind"]): Tenant => ({ ...everywhere, kind, publicUrl: urlOf(host) });
  const workspaces = document.hosts.map((host) => siteAt(host, "workspace"));
  if (document.consoleHost === null) return workspaces;
  // The whole host, whatever the tenant's path is on its own.
  return [...workspaces, { ...siteAt(document.consoleHost, "console"), basePath: "" }];
}

function settingsOf(
  document: Pick<TenantDocument, "sessions" | "limits" | "policy" | "clientAddress">,
): TenantSettings {
  return {
    lifetimes: Object.fromEntries(
      ROLES.map((role) => [role, lifetimeOf(document, role)]),
    ) as TenantSettings["lifetimes"],
    limits: document.limits,
    policy: document.policy,
    clientAddress: document.clientAddress,
  };
}

/** @returns the session lifetimes of a role, its own ones first */
export function lifetimeOf({ sessions }: Pick<Tenant, "sessions">, role: Role) {
  const { idleSeconds, absoluteSeconds, roles } = sessions;
  return {
    idleSeconds: roles[role].idleSeconds ?? idleSeconds,
    absoluteSeconds: roles[role].absoluteSeconds ?? absoluteSeconds,
  };
}
