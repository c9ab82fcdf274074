/** The shorthand variables as the tenant document they stand for; problems in it are told by the variables' names. */
import { presetOf } from "./presets.ts";
import { dotPath } from "./schema.ts";
import { splitList } from "./variables.ts";

/** The same whatever the provider, so that the redirect URI can be registered before the issuer is known. */
const ONLY_PROVIDER = "oidc";

type Shorthand = { [name: string]: string | undefined };

/** @returns a raw document: whatever is wrong in it is found by the schema, as in one from a file */
export function singleTenantDocument(settings: Shorthand, signsInAtProvider: boolean): Record<string, unknown> {
  const { PUBLIC_URL, CONSOLE_ORIGIN, TENANT_NAME, CONTACT, OWN_SESSIONS } = settings;
  const url = URL.parse(PUBLIC_URL ?? "");
  return {
    id: "default",
    hosts: url === null ? undefined : [url.host],
    ...(CONSOLE_ORIGIN === undefined ? {} : { consoleHost: URL.parse(CONSOLE_ORIGIN)?.host }),
    ...(TENANT_NAME === undefined ? {} : { name: TENANT_NAME }),
    ...(CONTACT === undefined ? {} : { contact: CONTACT }),
    ownSessions: OWN_SESSIONS === "true",
    providers: signsInAtProvider ? [provider(settings)] : [],
    allow: { emails: listOf(settings, "ALLOWED_EMAILS"), domains: listOf(settings, "ALLOWED_DOMAINS") },
    admins: { emails: listOf(settings, "ADMIN_EMAILS") },
    agents: listOf(settings, "AGENT_KEYS").map((entry) => {
      const [id, ...publicKey] = entry.split(":");
      return { id, publicKey: publicKey.join(":") };
    }),
  };
}

function provider({ OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_AUTH }: Shorthand): Record<string, unknown> {
  const preset = presetOf(OIDC_ISSUER ?? "");
  const client = { preset, id: ONLY_PROVIDER, issuer: OIDC_ISSUER, clientId: OIDC_CLIENT_ID };
  if (OIDC_CLIENT_AUTH === "private_key_jwt") return { ...client, privateKey: "OIDC_CLIENT_SECRET" };
  const known = OIDC_CLIENT_AUTH === "client_secret_basic" || OIDC_CLIENT_AUTH === "client_secret_post";
  return { ...client, clientSecret: "OIDC_CLIENT_SECRET", ...(known ? { clientSecretMethod: OIDC_CLIENT_AUTH } : {}) };
}

function listOf(settings: Shorthand, name: string): string[] {
  return splitList(settings[name] ?? "");
}

const NAMES: [RegExp, string][] = [
  [/^hosts/, "PUBLIC_URL"],
  [/^consoleHost/, "CONSOLE_ORIGIN"],
  [/^name/, "TENANT_NAME"],
  [/^contact/, "CONTACT"],
  [/^providers\[0\]\.(issuer|entraTenants|preset)/, "OIDC_ISSUER"],
  [/^providers\[0\]\.clientId/, "OIDC_CLIENT_ID"],
  [/^providers/, "OIDC_CLIENT_SECRET"],
  [/^allow\.emails/, "ALLOWED_EMAILS"],
  [/^allow/, "ALLOWED_DOMAINS"],
  [/^admins/, "ADMIN_EMAILS"],
  [/^agents/, "AGENT_KEYS"],
];

/** @returns the variable that a place in the document came from, with the position in its list */
export function variableAt(path: readonly (string | number)[]): string {
  const place = dotPath(path);
  const [, name] = NAMES.find(([pattern]) => pattern.test(place)) ?? [];
  const index = /^(allow|admins)\.\w+(\[\d+\])|^agents(\[\d+\])/.exec(place);
  return name === undefined ? place : name + (index?.[2] ?? index?.[3] ?? "");
}
