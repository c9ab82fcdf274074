import { isRecord } from "../../worker/config/schema.ts";
import { TENANTS_FILE } from "../../worker/config/tenant-source.ts";
import { ScriptError } from "../script-error.ts";
import type { Answers, People } from "./answers.ts";

type Raw = Record<string, unknown>;

/** The tenants file with the answered tenant in it; everything else in it is as it was. */
export interface Entered {
  file: Raw;
  tenant: Raw;
  /** Name of the secret that the deploy will ask for. */
  secretName: string;
  isNew: boolean;
  /** The secret that Cloudflare may have under this name is another client's. */
  otherClient: boolean;
}

/**
 * Puts the answers into the tenant that has the host, or into a new one.
 * @throws {ScriptError} bad_setting when the tenant is more than setup understands
 */
export function enterTenant(file: unknown, answers: Answers): Entered {
  const base = isRecord(file) ? file : { tenants: [] };
  const tenants = (Array.isArray(base["tenants"]) ? base["tenants"] : []).filter(isRecord);
  const at = tenants.findIndex((entry) => listOf(entry["hosts"]).includes(answers.host));
  const before = tenants[at] ?? {};
  const others = tenants.filter((_, index) => index !== at);
  const id = at < 0 ? newId(answers.host, others) : before["id"];
  const provider = enterProvider(before, answers, others, String(id));
  const tenant: Raw = {
    ...before,
    id,
    hosts: at < 0 ? [answers.host] : before["hosts"],
    consoleHost: answers.consoleHost,
    providers: [provider],
    allow: enterPeople(before["allow"], answers.allow),
    admins: enterPeople(before["admins"], answers.admins),
  };
  const [old] = providersOf(before);
  return {
    file: { ...base, tenants: at < 0 ? [...tenants, tenant] : tenants.with(at, tenant) },
    tenant,
    secretName: String(provider["clientSecret"] ?? provider["privateKey"]),
    isNew: at < 0,
    otherClient:
      old !== undefined && old["clientSecret"] === provider["clientSecret"] && old["clientId"] !== provider["clientId"],
  };
}

/** @returns what the file says of the tenant on this host already, as the answers to begin with */
export function formerAnswers(file: unknown, host: string): Partial<Answers> & { providerId?: string } {
  const tenants = isRecord(file) && Array.isArray(file["tenants"]) ? file["tenants"].filter(isRecord) : [];
  const before = tenants.find((entry) => listOf(entry["hosts"]).includes(host));
  if (before === undefined) return {};
  const [provider = {}] = providersOf(before);
  const former: Raw = {
    consoleHost: before["consoleHost"],
    preset: provider["preset"],
    providerId: provider["id"],
    issuer: provider["issuer"],
    clientId: provider["clientId"],
    allow: before["allow"] && peopleOf(before["allow"]),
    admins: before["admins"] && peopleOf(before["admins"]),
  };
  return Object.fromEntries(
    Object.entries(former).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<Answers>;
}

function enterProvider(before: Raw, answers: Answers, others: Raw[], id: string): Raw {
  const providers = providersOf(before);
  if (providers.length > 1) {
    const text = `the tenant on ${answers.host} has several providers, each with rules of its own: change them in ${TENANTS_FILE}`;
    throw new ScriptError("bad_setting", text);
  }
  const { preset, issuer, clientId } = answers;
  const [old] = providers;
  if (old?.["preset"] === preset) {
    return { ...old, ...(old["issuer"] === undefined && isFixed(preset) ? {} : { issuer }), clientId };
  }
  const named = isFixed(preset) ? {} : { issuer };
  return { preset, ...named, clientId, clientSecret: newSecretName(preset, id, others) };
}

/** Groups and claims stay; setup knows addresses and domains. */
function enterPeople(before: unknown, { emails, domains }: People): Raw {
  const { emails: _emails, domains: _domains, ...kept } = isRecord(before) ? before : {};
  return { ...(emails.length === 0 ? {} : { emails }), ...(domains.length === 0 ? {} : { domains }), ...kept };
}

function isFixed(preset: string): boolean {
  return preset === "google" || preset === "github";
}

/** The first label of the host reads best in logs; the whole host where that is taken. */
function newId(host: string, others: Raw[]): string {
  const taken = others.map(({ id }) => id);
  const [label = ""] = host.split(".");
  const id = taken.includes(label) ? host.replaceAll(".", "-").slice(0, 63) : label;
  if (!taken.includes(id)) return id;
  throw new ScriptError(
    "bad_setting",
    `a tenant ${id} is there already with other hosts: change it in ${TENANTS_FILE}`,
  );
}

function newSecretName(preset: string, id: string, others: Raw[]): string {
  const taken = others.flatMap(providersOf).flatMap((provider) => [provider["clientSecret"], provider["privateKey"]]);
  const name = `${preset.toUpperCase()}_CLIENT_SECRET`;
  if (!taken.includes(name)) return name;
  const prefix = id
    .toUpperCase()
    .replaceAll("-", "_")
    .replace(/^(?=[^A-Z])/, "T")
    .slice(0, 30);
  return `${prefix}_${name}`;
}

function providersOf(entry: Raw): Raw[] {
  return Array.isArray(entry["providers"]) ? entry["providers"].filter(isRecord) : [];
}

function peopleOf(people: unknown): People {
  const entry = isRecord(people) ? people : {};
  return { emails: listOf(entry["emails"]), domains: listOf(entry["domains"]) };
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
