/** The Worker's variables and secrets. Some are a shorthand: together they make the only document of a single tenant. */
import * as v from "valibot";
import { isRole, isUserString, type Role } from "#protocol/identity.ts";
import { noted, text } from "./schema.ts";
import { isSessionSecretRing, SESSION_SECRET_EXPECTED } from "./secret.ts";

export interface StubUser {
  email: string;
  role: Role;
}

const any = (expected: string) => text(expected, () => true);

/** Part of every deployment, with one tenant or many. */
export const deployment = {
  AUTHSEC_MODE: noted(
    v.picklist(["stub", "oidc", "native"], "stub, oidc or native"),
    "How people sign in; `stub` runs by `npm start` only and is not in a deployed bundle",
    { example: "oidc" },
  ),
  ENVIRONMENT: noted(
    v.optional(v.picklist(["production", "development"], "production or development"), "production"),
    "`development` allows http on localhost",
  ),
  SESSION_SECRET: noted(
    text(SESSION_SECRET_EXPECTED, isSessionSecretRing),
    "Seals the session cookies; in the Worker only",
    {
      secret: true,
    },
  ),
  STUB_USERS: noted(
    v.optional(text("email[:role], separated by commas; roles as in the tenant document", areStubUsers), ""),
    "Who may sign in with `AUTHSEC_MODE=stub`",
    { example: "alice@example.com:admin,bob@example.com" },
  ),
};

/** Only without config/tenants.json. What is expected of each is told by the tenant document's own schema. */
export const shorthand = {
  PUBLIC_URL: noted(
    text("the address that people type: https, host and port only (http on localhost in development)", isOrigin),
    "The tenant's only host",
    { example: "https://claw.example.com" },
  ),
  CONSOLE_ORIGIN: noted(
    v.optional(text("an address as PUBLIC_URL, of another host", isOrigin)),
    "`consoleHost`. To be registered at the provider, too: `<CONSOLE_ORIGIN>/_gate/callback/oidc`",
    { example: "https://console.claw.example.com" },
  ),
  OIDC_ISSUER: noted(
    v.optional(any("the issuer's address as the provider spells it")),
    "The provider; its preset is told by the host, `https://github.com` included. To be registered there: `<PUBLIC_URL>/_gate/callback/oidc`",
    { example: "https://example.okta.com" },
  ),
  OIDC_CLIENT_ID: noted(
    v.optional(any("the client id that the provider gave")),
    "What the provider calls this gateway",
  ),
  OIDC_CLIENT_SECRET: noted(
    v.optional(any("the client secret that the provider gave")),
    "The provider's client secret",
    {
      secret: true,
    },
  ),
  OIDC_CLIENT_AUTH: noted(
    v.optional(
      v.picklist(
        ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "client_secret_basic, client_secret_post or private_key_jwt",
      ),
    ),
    "How the client proves itself, instead of the preset's; with private_key_jwt the secret is a private key as JWK",
  ),
  ALLOWED_EMAILS: noted(
    v.optional(any("e-mail addresses, separated by commas"), ""),
    "`allow.emails`: nobody by default",
  ),
  ALLOWED_DOMAINS: noted(v.optional(any("domains, separated by commas"), ""), "`allow.domains`: nobody by default", {
    example: "example.com",
  }),
  ADMIN_EMAILS: noted(
    v.optional(any("e-mail addresses, separated by commas"), ""),
    "`admins.emails`: nobody by default",
  ),
  TENANT_NAME: noted(v.optional(any("a text of at most 64 characters on one line")), "`name`"),
  CONTACT: noted(v.optional(any("a text of at most 128 characters on one line")), "`contact`"),
  OWN_SESSIONS: noted(v.optional(v.picklist(["true", "false"], "true or false")), "`ownSessions`"),
  AGENT_KEYS: noted(v.optional(any("id:publicKey, separated by commas"), ""), "`agents`"),
};

/** Named here by mistake often enough to be told where they belong. */
export const ELSEWHERE: Record<string, string> = {
  STORAGE_KEY: "belongs to the tenant script only (durable-objects/), never to the gateway",
};

export const variables = { ...deployment, ...shorthand };

/** `email[:role]`, comma separated; the role is `user` when left out. */
export function parseStubUsers(text: string): StubUser[] {
  return splitList(text).map((entry) => {
    const [email = "", role = "user"] = entry.split(":");
    return { email: email.toLowerCase(), role: isRole(role) ? role : "viewer" };
  });
}

export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function areStubUsers(text: string): boolean {
  return splitList(text).every((entry) => {
    const [email = "", role = "user", ...rest] = entry.split(":");
    return isUserString(email.toLowerCase()) && isRole(role) && rest.length === 0;
  });
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, "");
}
