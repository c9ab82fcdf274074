/** The agent's configuration: `agent.json` and `agent.key` of its state folder, and what belongs to this machine. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { delimiter, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { type AgentKey, GatewayKey, readAgentKey } from "./agent-key.ts";
import { findProxy } from "./connection/proxy.ts";
import { passOf } from "./state/agent-file.ts";
import { isClientHeader } from "./origin/origin-headers.ts";

export interface AgentConfig {
  agentId: string;
  tenant: string;
  /** Where the gateway is dialled; https, or http on loopback. */
  url: URL;
  gatewayKey: GatewayKey;
  key: AgentKey;
  /** The gateway's word that this key is enrolled; null for a key of the tenant document. */
  pass: string | null;
  /** OpenClaw, on loopback. */
  openclaw: OriginAddress;
  /** Absolute paths of the workspace folders of OpenClaw's agents: at least one, none twice. */
  workspaces: readonly string[];
  /** What people type into a browser, without a path. */
  publicUrl: string;
  /** OpenClaw's local password; null means that profile ids cannot be learned. */
  openclawPassword: string | null;
  /** Whether the gateway's administrators become OpenClaw's; else OpenClaw's owner alone says who is one. */
  grantsAdmins: boolean;
  /** The proxy on the way to the gateway; null dials directly. */
  proxy: URL | null;
  /** Loopback port of `/metrics` and `/readyz`; null serves neither. */
  metricsPort: number | null;
}

/** How OpenClaw is reached, and under which header it expects the user. */
export interface OriginAddress {
  host: string;
  port: number;
  /** Source address of every relayed connection: OpenClaw trusts forwarded headers from it alone (design section 4). */
  localAddress: string;
  /** Lower-case. */
  userHeader: string;
}

/** The configuration is wrong; `problems` names every field at fault, never its value. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

const Pass = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,256}$/, "must be what enrolment gave"));
export const GatewayUrl = v.pipe(
  v.string(),
  v.check((text) => isGatewayUrl(URL.parse(text)), "must be an https URL without a path (http only on loopback)"),
);
const OpenclawUrl = v.pipe(
  v.string(),
  v.check((text) => isOpenclawUrl(URL.parse(text)), "must be http on 127.0.0.1, [::1] or localhost, without a path"),
);
const UserHeader = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.regex(/^[a-z][a-z0-9-]{0,63}$/, "must be a header name of letters, digits and hyphens"),
  v.check((name) => !isClientHeader(name) && !TAKEN_NAMES.has(name), "must not be a header that means something else"),
);
const TAKEN_NAMES = new Set(["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-openclaw-scopes"]);

const Folder = v.pipe(v.string(), v.check(isAbsolute, "must be an absolute path"));
/** Each is written at every sign-in. */
const MAX_WORKSPACES = 50;

const AgentFile = v.strictObject({
  agentId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/, "must be 8 to 64 letters, digits, _ or -")),
  url: GatewayUrl,
  tenant: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,63}$/, "must be lower-case letters, digits and hyphens")),
  gatewayKey: v.pipe(v.string(), v.check(isRawKey, "must be a raw Ed25519 public key, base64url")),
  openclawUrl: OpenclawUrl,
  workspace: Folder,
  otherWorkspaces: v.optional(v.pipe(v.array(Folder), v.maxLength(MAX_WORKSPACES, "are too many")), []),
  userHeader: UserHeader,
  localAddress: v.pipe(v.string(), v.check(isLoopbackAddress, "must be an address in 127/8, or ::1")),
  publicHost: v.pipe(v.string(), v.regex(/^[a-z0-9.:[\]-]{1,255}$/, "must be a host name, with a port if need be")),
  pass: v.optional(Pass),
  nextPass: v.optional(Pass),
  admins: v.optional(v.picklist(["roles", "owner"]), "roles"),
  openclawPassword: v.optional(
    v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,256}$/, "must be printable, without spaces")),
  ),
});

/** @throws {ConfigError} with everything that is wrong at once */
export function readConfig(folder: string, env: NodeJS.ProcessEnv): AgentConfig {
  const problems: string[] = [];
  const key = attempt(problems, "agent.key", () => readAgentKey(join(folder, "agent.key")));
  const file = attempt(problems, "agent.json", () => JSON.parse(readFileSync(join(folder, "agent.json"), "utf8")));
  if (file === undefined) throw new ConfigError(problems);
  const parsed = v.safeParse(AgentFile, isObject(file) ? { ...file, ...linkOf(env) } : file);
  for (const issue of parsed.issues ?? [])
    problems.push(`agent.json: ${v.getDotPath(issue) ?? "file"} ${describe(issue)}`);
  const metricsPort = attempt(problems, "TIDEGATE_METRICS_PORT", () => parsePort(env["TIDEGATE_METRICS_PORT"]));
  const proxy = parsed.success
    ? attempt(problems, "HTTPS_PROXY", () => findProxy(new URL(parsed.output.url), env))
    : null;
  if (!parsed.success || key === undefined || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.output;
  const url = new URL(settings.url);
  const openclaw = new URL(settings.openclawUrl);
  return {
    agentId: settings.agentId,
    tenant: settings.tenant,
    url,
    gatewayKey: new GatewayKey(settings.gatewayKey),
    key,
    pass: passOf(settings, key.publicKey),
    openclaw: {
      host: openclaw.hostname.replace(/^\[|\]$/g, ""),
      port: Number(openclaw.port || 80),
      localAddress: settings.localAddress,
      userHeader: settings.userHeader,
    },
    workspaces: [...new Set([settings.workspace, ...settings.otherWorkspaces])],
    publicUrl: `${url.protocol}//${settings.publicHost}`,
    openclawPassword: env["OPENCLAW_GATEWAY_PASSWORD"] || (settings.openclawPassword ?? null),
    grantsAdmins: settings.admins === "roles",
    proxy: proxy ?? null,
    metricsPort: metricsPort ?? null,
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** In a container OpenClaw is set up by its own files, and the environment says how: it goes before agent.json. */
function linkOf(env: NodeJS.ProcessEnv): Record<string, string | string[]> {
  const names = {
    OPENCLAW_URL: "openclawUrl",
    TIDEGATE_USER_HEADER: "userHeader",
    TIDEGATE_LOCAL_ADDRESS: "localAddress",
  };
  const link = Object.entries(names).flatMap(([variable, name]) => (env[variable] ? [[name, env[variable]]] : []));
  // As in PATH.
  const [workspace, ...otherWorkspaces] = env["OPENCLAW_WORKSPACE"]?.split(delimiter) ?? [];
  return { ...Object.fromEntries(link), ...(workspace ? { workspace, otherWorkspaces } : {}) };
}

/** Valibot's own messages quote what was received, which may be a secret in the wrong field. */
function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "check" || issue.type === "regex") return issue.message;
  if (issue.type === "strict_object") return issue.expected === "never" ? "is not known" : "is missing";
  return "is of the wrong type";
}

function attempt<T>(problems: string[], name: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = error instanceof SyntaxError ? "is not JSON" : (error as Error).message;
    problems.push(code === "ENOENT" ? `${name} is missing` : `${name}: ${code === undefined ? reason : code}`);
    return undefined;
  }
}

function parsePort(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new Error("must be a port, 1 to 65535");
  return port;
}

function isGatewayUrl(url: URL | null): boolean {
  if (url === null || !isBareOrigin(url)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}

function isOpenclawUrl(url: URL | null): boolean {
  return url !== null && isBareOrigin(url) && url.protocol === "http:" && isLoopbackHost(url.hostname);
}

function isBareOrigin(url: URL): boolean {
  return url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || isLoopbackAddress(host);
}

function isLoopbackAddress(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

function isRawKey(text: string): boolean {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return false;
  try {
    new GatewayKey(text);
    return true;
  } catch {
    return false;
  }
}
