import { normalizeDomain, normalizeEmail } from "../../worker/access/email.ts";
import { isEntraCommon, issuerFault } from "../../worker/config/issuer-fault.ts";
import { PRESETS, type PresetName } from "../../worker/config/presets.ts";
import { provider } from "../../worker/config/provider-document.ts";
import { readEntries } from "../../worker/config/schema.ts";
import { tenant } from "../../worker/config/tenant-document.ts";

/** Whom a tenant's document names; addresses and domains as the document spells them. */
export interface People {
  emails: string[];
  domains: string[];
}

export interface Answers {
  host: string;
  consoleHost: string;
  preset: PresetName;
  issuer: string;
  clientId: string;
  allow: People;
  admins: People;
}

/** In the order of the question; the number is what may be typed instead of the name. */
export const PROVIDERS: readonly { preset: PresetName; label: string }[] = [
  { preset: "google", label: "Google" },
  { preset: "entra", label: "Entra" },
  { preset: "okta", label: "Okta" },
  { preset: "auth0", label: "Auth0" },
  { preset: "keycloak", label: "Keycloak" },
  { preset: "github", label: "GitHub" },
  { preset: "oidc", label: "other OIDC" },
];

/** What was typed as what it means, or the sentence that says what is expected. */
export type Read<T> = { value: T } | { expected: string };

const HOST = "a host name such as claw.example.com, of a domain that is at Cloudflare";

/** An address that was copied from a browser is a host name, too. */
export function readHost(text: string): Read<string> {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^https:\/\//, "")
    .replace(/\/$/, "");
  let good = host.includes(".") && !host.includes(":");
  readEntries({ hosts: tenant.hosts }, { hosts: [host] }, () => (good = false));
  return good ? { value: host } : { expected: HOST };
}

export function readProvider(text: string): Read<PresetName> {
  const typed = text.trim().toLowerCase();
  const found = PROVIDERS.find(({ preset, label }, at) =>
    [preset, label.toLowerCase(), String(at + 1)].includes(typed),
  );
  return found === undefined
    ? { expected: `one of ${PROVIDERS.map(({ preset }) => preset).join(", ")}` }
    : { value: found.preset };
}

export function readIssuer(preset: PresetName, text: string): Read<string> {
  const issuer = PRESETS[preset].issuer ?? text.trim();
  if (preset === "entra" && isEntraCommon(issuer)) {
    return { expected: "your own directory's issuer; a common one needs entraTenants, in config/tenants.json by hand" };
  }
  const fault = issuerFault(preset, issuer, false);
  return fault === null ? { value: issuer } : { expected: fault };
}

export function readClientId(text: string): Read<string> {
  let expected = "";
  readEntries({ clientId: provider.clientId }, { clientId: text.trim() }, (_path, sentence) => (expected = sentence));
  return expected === "" ? { value: text.trim() } : { expected };
}

/** `@example.com` or `example.com` is everybody there, `alice@example.com` one person. */
export function readAllowed(text: string): Read<People> {
  const entries = split(text);
  const people: People = { emails: [], domains: [] };
  for (const entry of entries) {
    const domain = normalizeDomain(entry.replace(/^@/, ""));
    const email = normalizeEmail(entry);
    if (domain !== null) people.domains.push(domain);
    else if (email !== null) people.emails.push(email);
    else return { expected: "addresses (alice@example.com) and domains (@example.com), separated by commas" };
  }
  return entries.length > 0
    ? { value: people }
    : { expected: "at least one address or domain: nobody comes in by default" };
}

export function readAdmins(text: string): Read<People> {
  const read = readAllowed(text);
  if ("value" in read && read.value.domains.length === 0) return read;
  return { expected: "at least one address, such as alice@example.com: administrators are named one by one" };
}

export function showPeople({ emails, domains }: People): string {
  return [...domains.map((domain) => `@${domain}`), ...emails].join(",");
}

function split(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== "");
}
