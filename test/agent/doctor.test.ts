import { describe, expect, test, vi } from "vitest";
import { EXIT } from "../../workspace-agent/commands/command.ts";
import { doctor } from "../../workspace-agent/commands/doctor.ts";
import { judge } from "../../workspace-agent/doctor/checks.ts";
import type { Facts, OpenClawFacts, WorkspaceFacts } from "../../workspace-agent/doctor/facts.ts";
import { AUDIT_FINDINGS, explain, findRefusal, REFUSALS } from "../../workspace-agent/openclaw/refusals.ts";
import { type GatewaySettings, parseGatewaySettings } from "../../workspace-agent/openclaw/settings.ts";
import { EVERYBODY, REQUIRED_HEADERS } from "../../workspace-agent/openclaw/wanted.ts";
import { fakeOpenClawCli, playContext } from "./support/fake-openclaw-cli.ts";

// Each starts a dozen small programs.
vi.setConfig({ testTimeout: 60_000 });

const WANTED = { localAddress: "127.77.0.1", userHeader: "x-secret-name", publicOrigin: "https://claw.example.com" };
const PROXY = {
  userHeader: "x-secret-name",
  requiredHeaders: REQUIRED_HEADERS,
  allowLoopback: true,
  deviceAutoApprove: { enabled: true, scopes: EVERYBODY },
};
const GATEWAY = {
  bind: "loopback",
  publicOrigin: "https://claw.example.com",
  trustedProxies: ["127.77.0.1"],
  auth: { mode: "trusted-proxy", password: "__OPENCLAW_REDACTED__", trustedProxy: PROXY },
  controlUi: { allowedOrigins: ["https://claw.example.com"] },
};
const SETTINGS = parseGatewaySettings(GATEWAY);
const OPENCLAW: OpenClawFacts = {
  version: "2026.9.6",
  configPath: "/srv/openclaw.json",
  configMode: 0o600,
  running: true,
  uid: 1001,
  settings: SETTINGS,
  readOnly: null,
  tokenVariable: null,
  sandboxMode: "all",
  execDenied: false,
};
const WORKSPACE: WorkspaceFacts = {
  folders: ["/srv/workspace"],
  unknownFolders: [],
  unwritable: [],
  rootCharacters: 3_000,
  tooLong: 0,
  refused: [],
};
const FACTS: Facts = {
  platform: "linux",
  uid: 1000,
  nodeVersion: "24.21.0",
  state: { folder: "/home/a/.config/tidegate", enrolled: true, configured: true, problems: [] },
  edge: { host: "claw.example.com", status: 200, error: null, clockOffsetMs: 400 },
  openclaw: OPENCLAW,
  wanted: WANTED,
  admins: "roles",
  probes: {
    asPerson: { status: 200, type: null },
    asNobody: { status: 401, type: "unauthorized" },
    forged: { status: 403, type: "proxy_attribution_required" },
    backendError: null,
    sharedProfiles: 0,
  },
  workspace: WORKSPACE,
};
const PROBES = FACTS.probes as NonNullable<Facts["probes"]>;
const EDGE = FACTS.edge as NonNullable<Facts["edge"]>;

function openclaw(part: Partial<OpenClawFacts>): Partial<Facts> {
  return { openclaw: { ...OPENCLAW, ...part } };
}

function gateway(part: object): Partial<Facts> {
  return openclaw({ settings: parseGatewaySettings({ ...GATEWAY, ...part }) });
}

test("where all is well every check says so", () => {
  expect(judge(FACTS).filter(({ state }) => state !== "ok")).toEqual([]);
});

describe("one thing wrong is found by its own check, with a mend", () => {
  const rows: [id: string, state: "warn" | "fail", facts: Partial<Facts>, words: RegExp][] = [
    ["node", "fail", { nodeVersion: "20.20.2" }, /20\.20\.2 is too old/],
    ["enrolled", "fail", { state: { ...FACTS.state, enrolled: false } }, /no gateway/],
    ["state", "fail", { state: { ...FACTS.state, problems: ["agent.key: may be read by others."] } }, /read by others/],
    [
      "edge",
      "fail",
      { edge: { ...EDGE, status: null, error: "ENOTFOUND" } },
      /claw\.example\.com does not answer \(ENOTFOUND\)/,
    ],
    ["edge", "fail", { edge: { ...EDGE, status: 404 } }, /answers 404/],
    ["clock", "fail", { edge: { ...EDGE, clockOffsetMs: 61_000 } }, /61 s behind/],
    ["clock", "fail", { edge: { ...EDGE, clockOffsetMs: -3_600_000 } }, /3600 s ahead of/],
    ["openclaw", "fail", openclaw({ running: false }), /does not run/],
    ["version", "warn", openclaw({ version: "2026.10.1" }), /newer than/],
    ["token", "fail", openclaw({ tokenVariable: "/srv/.env" }), /set in \/srv\/\.env/],
    [
      "settings",
      "fail",
      gateway({ trustedProxies: ["127.0.0.1"] }),
      /gateway\.trustedProxies\. proxy_attribution_required: /,
    ],
    ["settings", "fail", gateway({ auth: { ...GATEWAY.auth, mode: "token" } }), /gateway\.auth\.mode\.$/],
    [
      "allowlist",
      "warn",
      gateway({ auth: { ...GATEWAY.auth, trustedProxy: { ...PROXY, allowUsers: ["a@b.c"] } } }),
      /allowUsers/,
    ],
    ["administrators", "warn", openclaw({ readOnly: "OPENCLAW_NIX_MODE=1" }), /kept elsewhere \(OPENCLAW_NIX_MODE=1\)/],
    ["administrators", "warn", openclaw({ version: "2026.9.3" }), /2026\.9\.3 would restart for each/],
    ["administrators", "warn", gateway({ reload: { mode: "off" } }), /after its next restart/],
    [
      "administrators",
      "warn",
      gateway({ roles: { default: "member", definitions: { member: { scopes: ["operator.read"] } } } }),
      /no role with operator\.admin/,
    ],
    ["bind", "warn", gateway({ bind: "lan" }), /beyond this machine/],
    ["config-file", "warn", openclaw({ configMode: 0o644 }), /read by other users/],
    ["person", "fail", { probes: { ...PROBES, asPerson: { status: 401, type: "unauthorized" } } }, /answers 401/],
    [
      "person",
      "fail",
      { probes: { ...PROBES, asPerson: { status: 403, type: "proxy_attribution_required" } } },
      /does not trust/,
    ],
    ["nobody", "fail", { probes: { ...PROBES, asNobody: { status: 200, type: null } } }, /does not ask who/],
    ["forged", "fail", { probes: { ...PROBES, forged: { status: 200, type: null } } }, /believed from 127\.0\.0\.1/],
    ["forged", "warn", { probes: { ...PROBES, forged: null } }, /secret name/],
    ["password", "fail", { probes: { ...PROBES, backendError: "password mismatch" } }, /password mismatch/],
    ["profiles", "warn", { probes: { ...PROBES, sharedProfiles: 2 } }, /2 of OpenClaw's profiles/],
    ["workspace", "fail", { workspace: { ...WORKSPACE, unknownFolders: ["/elsewhere"] } }, /works in \/elsewhere, too/],
    ["workspace", "fail", { workspace: { ...WORKSPACE, unwritable: ["/srv/workspace"] } }, /may not write/],
    ["workspace", "fail", { workspace: { ...WORKSPACE, refused: ["USER.md"] } }, /a link or no file: USER\.md/],
    ["budget", "warn", { workspace: { ...WORKSPACE, rootCharacters: 4_001 } }, /4001 characters/],
    ["budget", "warn", { workspace: { ...WORKSPACE, tooLong: 1 } }, /1 personal USER\.md/],
    ["user", "warn", openclaw({ uid: 1000 }), /one user/],
    ["exec", "warn", openclaw({ sandboxMode: "non-main" }), /Un-sandboxed exec/],
  ];

  test.each(rows)("%s: %s", (id, state, facts, words) => {
    const found = judge({ ...FACTS, ...facts }).find((check) => check.id === id);
    expect(found).toMatchObject({ state, sentence: expect.stringMatching(words), mend: expect.stringMatching(/\S/) });
  });
});

test("who OpenClaw's administrators are is said, by role or by name", () => {
  const said = (facts: Partial<Facts>) =>
    judge({ ...FACTS, ...facts }).find(({ id }) => id === "administrators")?.sentence;
  expect(said({})).toBe("The gateway's, while they come.");
  const named = gateway({ auth: { ...GATEWAY.auth, identityScopes: { "a@b.c": ["operator.admin"], "b@b.c": [] } } });
  expect(said({ ...named, admins: "owner" })).toBe("Named in its own settings: 1.");
  const definitions = { member: { scopes: ["operator.read"] }, chief: { scopes: ["operator.admin"] } };
  expect(said(gateway({ roles: { default: "member", definitions } }))).toBe("The gateway's, while they come.");
});

test("what cannot be checked is said to be skipped, and why", () => {
  const nothing: Facts = {
    ...FACTS,
    state: { ...FACTS.state, enrolled: false, configured: false },
    edge: null,
    openclaw: { code: "openclaw_not_found", message: "OpenClaw is not in PATH." },
    wanted: null,
    probes: null,
    workspace: null,
  };
  const checks = judge(nothing);
  expect(checks.filter(({ state }) => state === "fail").map(({ id }) => id)).toEqual(["enrolled", "openclaw"]);
  const others = checks.filter(({ state }) => state === "skipped");
  expect(others.length).toBe(checks.length - 4);
  expect(others.every(({ sentence }) => sentence !== "")).toBe(true);
});

describe("a reason of OpenClaw's", () => {
  test.each([
    [{ auth: { mode: "trusted-proxy" } }, "trusted_proxy_config_missing"],
    [{ ...GATEWAY, trustedProxies: [] }, "trusted_proxy_no_proxies_configured"],
    [{ ...GATEWAY, trustedProxies: ["10.0.0.1"] }, "proxy_attribution_required"],
    [{ ...GATEWAY, auth: { trustedProxy: { ...PROXY, allowLoopback: false } } }, "trusted_proxy_loopback_source"],
    [
      { ...GATEWAY, auth: { trustedProxy: { ...PROXY, requiredHeaders: ["X-Jwt"] } } },
      "trusted_proxy_missing_header_x-jwt",
    ],
    [{ ...GATEWAY, auth: { trustedProxy: { ...PROXY, userHeader: "x-other" } } }, "trusted_proxy_user_missing"],
    [{ ...GATEWAY, controlUi: {} }, "trusted_proxy_origin_not_allowed"],
    [GATEWAY, null],
  ])("follows from the settings: %#", (settings, reason) => {
    const parsed: GatewaySettings = parseGatewaySettings(settings);
    expect(findRefusal(parsed, WANTED)).toBe(reason);
    if (reason !== null) expect(explain(reason)).not.toBeNull();
  });

  test.each([
    ...Object.keys(REFUSALS),
    ...Object.keys(AUDIT_FINDINGS),
    "gateway.trusted_proxy_auth",
    "trusted_proxy_missing_header_x-forwarded-host",
  ])("%s has words and a mend", async (reason) => {
    const context = playContext(fakeOpenClawCli("{}"), { words: [reason] });
    expect(await doctor.run(context)).toMatchObject({ exit: EXIT.done, result: { reason } });
    expect(context.said).toEqual([expect.stringMatching(/\w\.$/), expect.stringMatching(/^Mend: \w.+/)]);
  });

  test.each(["trusted_proxy_", "constructor", "nonsense"])("%s is not known", async (reason) => {
    const run = doctor.run(playContext(fakeOpenClawCli("{}"), { words: [reason] }));
    await expect(run).rejects.toMatchObject({ code: "unknown_reason", exit: EXIT.usage });
  });
});

test("an unfinished installation is judged too, its clock by the gateway's Date header", async () => {
  const cli = fakeOpenClawCli(JSON.stringify({ gateway: { port: 1, auth: { mode: "token", token: "x" } } }));
  const date = "Sun, 22 Nov 2026 10:02:00 GMT";
  const context = playContext(cli, { fetch: () => Promise.resolve(new Response("ok", { headers: { date } })) });
  const { exit, result } = await doctor.run(context);
  const states = Object.fromEntries(
    (result["checks"] as { id: string; state: string }[]).map(({ id, state }) => [id, state]),
  );
  expect(exit).toBe(EXIT.unhealthy);
  expect(states).toMatchObject({
    enrolled: "ok",
    edge: "ok",
    clock: "fail",
    state: "fail",
    version: "ok",
    settings: "skipped",
  });
  expect(context.said.join("\n")).toMatch(/FAIL {2}Clock: This clock is 12\d s behind/);
});
