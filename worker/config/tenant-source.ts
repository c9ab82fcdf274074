/** Where tenant documents come from: the bundled file, or the shorthand variables when it lists none. */
import { pickTexts, type EnvTexts } from "./env-texts.ts";
import type { Problems } from "./problem.ts";
import { isSecretName } from "./provider-document.ts";
import { dotPath, isRecord, readEntries } from "./schema.ts";
import { singleTenantDocument, variableAt } from "./single-tenant.ts";
import { shorthand } from "./variables.ts";

export const TENANTS_FILE = "config/tenants.json";
/** Beyond, the file is a good part of the bundle, and documents belong into objects (a later version). */
const MAX_TENANTS = 100;

type Path = (string | number)[];

/** One raw document and how to tell where in it something is wrong. */
export interface RawTenant {
  raw: unknown;
  report: (path: Path, expected: string) => void;
}

export interface TenantSource {
  tenants: RawTenant[];
  schemeOf: (host: string) => "http:" | "https:";
}

interface Deployment {
  mode: string | undefined;
  development: boolean;
}

export function openTenantSource(
  texts: EnvTexts,
  tenantsFile: unknown,
  deployment: Deployment,
  problems: Problems,
): TenantSource {
  const listed = listedTenants(tenantsFile, problems);
  return listed.length > 0 ? fromFile(listed, texts, deployment, problems) : fromVariables(texts, deployment, problems);
}

function fromFile(listed: unknown[], texts: EnvTexts, { development }: Deployment, problems: Problems): TenantSource {
  for (const name of Object.keys(pickTexts(texts, shorthand))) {
    if (!isSecretName(name)) problems.add(name, `nothing, because ${TENANTS_FILE} lists the tenants`);
  }
  const tenants = listed.map((raw, index) => ({
    raw,
    report: (path: Path, expected: string) =>
      problems.add(`${TENANTS_FILE} ${dotPath(["tenants", index, ...path])}`, expected),
  }));
  return { tenants, schemeOf: (host) => (development && isLocalhost(host) ? "http:" : "https:") };
}

function fromVariables(texts: EnvTexts, { mode, development }: Deployment, problems: Problems): TenantSource {
  const settings = readEntries(shorthand, pickTexts(texts, shorthand), ([name], expected) =>
    problems.add(String(name), expected),
  );
  const url = URL.parse(settings.PUBLIC_URL ?? "");
  for (const name of ["PUBLIC_URL", "CONSOLE_ORIGIN"] as const) {
    const given = URL.parse(settings[name] ?? "");
    if (given?.protocol === "http:" && !(development && isLocalhost(given.host))) {
      problems.add(name, "https (http only in development, on localhost)");
    }
  }
  const named = texts["OIDC_ISSUER"] !== undefined || texts["OIDC_CLIENT_ID"] !== undefined;
  const atProvider = mode === "oidc" || (named && mode !== "stub");
  const raw = singleTenantDocument(texts, atProvider);
  return {
    tenants: [
      {
        raw,
        report(path, expected) {
          // What is wrong with the variable itself has been told above, in words of its own.
          if (path[0] !== "hosts" || settings.PUBLIC_URL !== undefined) problems.add(variableAt(path), expected);
        },
      },
    ],
    schemeOf: () => (url?.protocol === "http:" ? "http:" : "https:"),
  };
}

function listedTenants(file: unknown, problems: Problems): unknown[] {
  if (file === undefined) return [];
  const listed = isRecord(file) ? file["tenants"] : undefined;
  if (!Array.isArray(listed) || listed.length > MAX_TENANTS) {
    problems.add(TENANTS_FILE, `an object with tenants, a list of at most ${MAX_TENANTS}`);
    return [];
  }
  const others = Object.keys(file as object).filter((key) => key !== "tenants" && key !== "$schema");
  if (others.length > 0) problems.add(TENANTS_FILE, "no other keys than $schema and tenants");
  return listed;
}

function isLocalhost(host: string): boolean {
  return host.replace(/:\d+$/, "") === "localhost";
}
