/** Configuration, parsed once from the bindings. All errors at once, by name, never by value. */
import * as v from "valibot";
import type { TenantRpc } from "../durable-objects/rpc.ts";
import { isRole, isUserString, type Role } from "#protocol/identity.ts";

export interface Env {
  TENANT: DurableObjectNamespace<TenantRpc & Rpc.DurableObjectBranded>;
  [name: string]: unknown;
}

export interface StubUser {
  email: string;
  role: Role;
}

export interface Config {
  mode: "stub" | "oidc" | "native";
  development: boolean;
  /** Scheme, host and port that people type; every own link and Origin check uses it. */
  publicUrl: URL;
  /** First signs, all verify. */
  sessionSecrets: string[];
  stubUsers: StubUser[];
  tenantName: string;
  contact: string | null;
  /** Enrolled agents: id → raw Ed25519 public key, base64url. */
  agentKeys: Map<string, string>;
}

export class ConfigError extends Error {
  readonly code = "config_invalid";
  readonly names: string[];

  constructor(problems: string[]) {
    super(problems.join("; "));
    this.name = "ConfigError";
    this.names = problems;
  }
}

const Secret = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43,}$/));
const AGENT = /^[A-Za-z0-9_-]{8,64}:[A-Za-z0-9_-]{43}$/;

const Settings = v.object({
  AUTHSEC_MODE: v.picklist(["stub", "oidc", "native"]),
  ENVIRONMENT: v.optional(v.picklist(["production", "development"]), "production"),
  PUBLIC_URL: v.pipe(v.string(), v.check(isOrigin)),
  SESSION_SECRET: v.pipe(
    v.string(),
    v.transform((text) => text.split(",")),
    v.array(Secret),
    v.minLength(1),
  ),
  STUB_USERS: v.optional(v.pipe(v.string(), v.check(areStubUsers)), ""),
  TENANT_NAME: v.optional(v.pipe(v.string(), v.maxLength(64)), "Assistant"),
  CONTACT: v.optional(v.pipe(v.string(), v.maxLength(128))),
  AGENT_KEYS: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => list(text).every((entry) => AGENT.test(entry))),
    ),
    "",
  ),
});

/** @throws {ConfigError} naming every bad variable */
export function parseConfig(env: Env): Config {
  const parsed = v.safeParse(Settings, env);
  if (!parsed.success) {
    throw new ConfigError([...new Set(parsed.issues.map((issue) => String(issue.path?.[0]?.key ?? "?")))]);
  }
  const settings = parsed.output;
  const publicUrl = new URL(settings.PUBLIC_URL);
  const development = settings.ENVIRONMENT === "development";
  if (publicUrl.protocol !== "https:" && !(development && publicUrl.hostname === "localhost")) {
    throw new ConfigError(["PUBLIC_URL"]);
  }
  return {
    mode: settings.AUTHSEC_MODE,
    development,
    publicUrl,
    sessionSecrets: settings.SESSION_SECRET,
    stubUsers: parseStubUsers(settings.STUB_USERS),
    tenantName: settings.TENANT_NAME,
    contact: settings.CONTACT ?? null,
    agentKeys: new Map(list(settings.AGENT_KEYS).map((entry) => entry.split(":") as [string, string])),
  };
}

/** `email[:role]`, comma separated; the role is `user` when left out. */
export function parseStubUsers(text: string): StubUser[] {
  return list(text).map((entry) => {
    const [email = "", role = "user"] = entry.split(":");
    return { email: email.toLowerCase(), role: isRole(role) ? role : "viewer" };
  });
}

function areStubUsers(text: string): boolean {
  return list(text).every((entry) => {
    const [email = "", role = "user", ...rest] = entry.split(":");
    return isUserString(email.toLowerCase()) && isRole(role) && rest.length === 0;
  });
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, "");
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
