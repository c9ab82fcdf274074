/** From OpenClaw's settings to those that the agent needs: a patch, and words for the person who decides. Pure. */
import { mergePatch, type Path, same, type Setting, valueAt } from "./setting-path.ts";
import type { GatewaySettings } from "./settings.ts";
import { ADMIN_SCOPE, EVERYBODY, REDACTED, REQUIRED_HEADERS, type Wanted } from "./wanted.ts";

export const TOKEN: Path = ["gateway", "auth", "token"];
export const PASSWORD: Path = ["gateway", "auth", "password"];
export const ALLOWED_ORIGINS: Path = ["gateway", "controlUi", "allowedOrigins"];
const HIDDEN = new Set([TOKEN, PASSWORD]);

export interface Change {
  path: Path;
  /** undefined: not set. */
  before: Setting;
  /** undefined: taken out. */
  after: Setting;
}

export interface Plan {
  /** Empty when all is as it should be. */
  changes: readonly Change[];
  /**
   * The patches, in order. The password comes alone and last: OpenClaw takes it out of any change that also sets the
   * mode to trusted-proxy (2026.9.6).
   */
  patches: readonly Record<string, unknown>[];
  /** Sentences about what the change means beyond itself. */
  warnings: readonly string[];
}

/**
 * @param password null when the one in force is the agent's already
 * @returns what is left to do; the same plan for the same settings, and none for its own result
 */
export function planChange(current: GatewaySettings, wanted: Wanted, password: string | null): Plan {
  const root = { gateway: current };
  const targets: [Path, Setting][] = [
    [["gateway", "auth", "mode"], "trusted-proxy"],
    [TOKEN, undefined],
    [["gateway", "trustedProxies"], [wanted.localAddress]],
    [proxy("userHeader"), wanted.userHeader],
    [proxy("requiredHeaders"), REQUIRED_HEADERS],
    [proxy("allowLoopback"), true],
    [[...proxy("deviceAutoApprove"), "enabled"], true],
    [[...proxy("deviceAutoApprove"), "scopes"], EVERYBODY],
    [ALLOWED_ORIGINS, origins(current, wanted.publicOrigin)],
    // OpenClaw takes an https origin only; without one it makes no links to itself.
    ...(wanted.publicOrigin.startsWith("https:")
      ? [[["gateway", "publicOrigin"], wanted.publicOrigin] as [Path, Setting]]
      : []),
    ...wanted.admins.map((email): [Path, Setting] => [
      ["gateway", "auth", "identityScopes", email],
      // What is not shown cannot be kept: it becomes what was asked for.
      [...new Set([...(current.auth.identityScopes[email] ?? []).filter((scope) => scope !== REDACTED), ADMIN_SCOPE])],
    ]),
  ];
  const changes = targets
    .map(([path, after]): Change => ({ path, before: emptyAsAbsent(valueAt(root, path)), after }))
    .filter(({ before, after }) => !same(before, after));
  const secret: Change[] =
    password === null ? [] : [{ path: PASSWORD, before: valueAt(root, PASSWORD), after: password }];
  return {
    changes: [...changes, ...secret],
    patches: [changes, secret]
      .filter((group) => group.length > 0)
      .map((group) => mergePatch(group.map(({ path, after }) => [path, after]))),
    warnings: warningsOf(current, wanted, [...changes, ...secret]),
  };
}

/** @returns the change as a diff, a line each; secrets as "(secret)" */
export function describeChange({ path, before, after }: Change): string[] {
  const name = path.map((part) => (/^\w+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join("");
  const words = (value: Setting) => (HIDDEN.has(path) ? "(secret)" : JSON.stringify(value));
  return [
    ...(before === undefined ? [] : [`- ${name.slice(1)}: ${words(before)}`]),
    ...(after === undefined ? [] : [`+ ${name.slice(1)}: ${words(after)}`]),
  ];
}

function warningsOf(current: GatewaySettings, wanted: Wanted, changes: readonly Change[]): string[] {
  const touches = (path: Path) => changes.some((change) => same(change.path, path) && change.before !== undefined);
  const { auth, bind, controlUi } = current;
  const allowUsers = auth.trustedProxy?.allowUsers ?? [];
  const dropped = current.trustedProxies.filter((address) => address !== wanted.localAddress);
  return [
    touches(TOKEN) || (auth.mode ?? "token") === "token"
      ? `OpenClaw's token mode ends: apps, terminals and scripts that used gateway.auth.token, paired devices among them, must come through ${wanted.publicOrigin} afterwards.`
      : null,
    touches(PASSWORD)
      ? "gateway.auth.password is replaced by one of the agent's: whatever else used the old one stops working."
      : null,
    dropped.length > 0
      ? `OpenClaw stops believing other proxies: ${dropped.join(", ")}. What came through them must come through ${wanted.publicOrigin}.`
      : null,
    controlUi.allowedOrigins.includes("*")
      ? 'gateway.controlUi.allowedOrigins was "*"; now only the named origins may use the Control UI.'
      : null,
    allowUsers.length > 0
      ? `gateway.auth.trustedProxy.allowUsers stays: of the people who sign in, OpenClaw lets in only ${allowUsers.join(", ")}.`
      : null,
    bind !== undefined && bind !== "loopback"
      ? `OpenClaw listens beyond this machine (gateway.bind is ${bind}). The agent needs loopback alone: consider openclaw config set gateway.bind loopback`
      : null,
    ["127.0.0.1", "::1"].includes(wanted.localAddress)
      ? "On this system the agent has no loopback address of its own: what keeps other local programs from posing as the gateway is the secret name of the header alone."
      : null,
  ].filter((warning) => warning !== null);
}

function proxy(name: string): string[] {
  return ["gateway", "auth", "trustedProxy", name];
}

/** Those that were there, and ours; a wildcard would let any site use a signed-in browser. */
function origins(current: GatewaySettings, publicOrigin: string): string[] {
  const kept = current.controlUi.allowedOrigins.filter((origin) => origin !== "*");
  return kept.includes(publicOrigin) ? kept : [...kept, publicOrigin];
}

/** The schema's defaults for lists read as empty ones. */
function emptyAsAbsent(value: Setting): Setting {
  return Array.isArray(value) && value.length === 0 ? undefined : value;
}
