/** From groups at the provider to powers in OpenClaw: a real provider, the real OpenClaw, its own list of administrators. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Role, ROLES } from "#protocol/identity.ts";
import { profilePaths } from "../../scripts/openclaw-config.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { MAIN, outcome } from "../redteam/real-openclaw.ts";
import { GatewaySession } from "../support/gateway-session.ts";
import { type Answered, exchange, type Header, valuesOf } from "../support/http-exchange.ts";
import { ProviderBrowser } from "../support/provider-browser.ts";

/** Account names at the provider, under the role that their groups make of them at first. */
const WHO: Record<Role, string> = { viewer: "vera", user: "bob", approver: "petra", admin: "alice" };
const groups: Record<string, string[]> = { vera: ["guests"], petra: ["leads", "guests"], alice: ["ops"] };

let home: string;
let stack: Stack;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-roles-"));
  stack = await startAll({
    port: await findFreePort(),
    home,
    stubUsers: ROLES.map((role) => `${WHO[role]}@example.com`).join(),
    oidc: true,
    groups,
    gatewayEntry: join(import.meta.dirname, "edge/group-roles.ts"),
  });
  await stack.ready;
});

afterAll(async () => {
  await stack?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

/** @returns the cookie of a new sign-in, with the groups of now */
async function signIn(name: string): Promise<string> {
  const began = await navigate("/_gate/login");
  const [location = ""] = valuesOf(began.headers, "location");
  const callback = new URL(await new ProviderBrowser().visit(location, stack.url, name));
  const ended = await navigate(callback.pathname + callback.search, cookieOf(began, "attempt"));
  return cookieOf(ended, "tidegate-default");
}

/** As a browser's address bar would; `fetch` says that it is a script. */
function navigate(target: string, cookie = ""): Promise<Answered> {
  const { port, host } = new URL(stack.url);
  const headers: Header[] = [
    ["host", host],
    ["accept", "text/html"],
    ["cookie", cookie],
  ];
  return exchange(Number(port), { method: "GET", target, headers });
}

function cookieOf({ status, headers }: Answered, name: string): string {
  const pairs = valuesOf(headers, "set-cookie").map((line) => line.split(";")[0] ?? "");
  const found = pairs.find((pair) => pair.split("=")[0]?.includes(name) && !pair.endsWith("="));
  if (found === undefined) throw new Error(`no ${name} cookie: ${status} ${pairs.join(" ")}`);
  return found;
}

async function roleOf(cookie: string): Promise<Role> {
  const response = await fetch(`${stack.url}/_gate/session`, { headers: { cookie } });
  return ((await response.json()) as { role: Role }).role;
}

/** @returns what OpenClaw's own file says now */
function administrators(): string[] {
  const file = readFileSync(profilePaths(join(home, "openclaw")).configPath, "utf8");
  const { gateway } = JSON.parse(file) as { gateway: { auth: { identityScopes?: Record<string, string[]> } } };
  return Object.entries(gateway.auth.identityScopes ?? {}).flatMap(([user, scopes]) =>
    scopes.includes("operator.admin") ? [user] : [],
  );
}

function invokeOverHttp(cookie: string): Promise<Response> {
  return fetch(`${stack.url}/tools/invoke`, {
    method: "POST",
    headers: { cookie, origin: stack.url, "content-type": "application/json" },
    body: JSON.stringify({ tool: "sessions_list", args: {} }),
  });
}

describe("what each person's groups make of them", () => {
  const NOT_WRITE = "operator.write";
  const NOT_ADMIN = "operator.admin";
  const invoke = { name: "sessions_list", args: {}, sessionKey: MAIN };
  const rows: [method: string, params: object, outcomes: Record<Role, string>][] = [
    ["sessions.list", {}, { viewer: "ok", user: "ok", approver: "ok", admin: "ok" }],
    ["sessions.create", {}, { viewer: NOT_WRITE, user: "ok", approver: "ok", admin: "ok" }],
    [
      "exec.approval.list",
      {},
      { viewer: "operator.approvals", user: "operator.approvals", approver: "ok", admin: "ok" },
    ],
    ["config.get", {}, { viewer: NOT_ADMIN, user: NOT_ADMIN, approver: NOT_ADMIN, admin: "ok" }],
    ["tools.invoke", invoke, { viewer: NOT_ADMIN, user: NOT_ADMIN, approver: NOT_ADMIN, admin: "ok" }],
  ];

  test.each([...ROLES].toReversed())("%s", async (role) => {
    const cookie = await signIn(WHO[role]);
    expect(await roleOf(cookie)).toBe(role);
    const session = await GatewaySession.openAs(role, stack.url, cookie);
    const seen: Record<string, string> = {};
    for (const [method, params] of rows) seen[method] = outcome(await session.request(method, params));
    expect(seen).toEqual(Object.fromEntries(rows.map(([method, , outcomes]) => [method, outcomes[role]])));
    expect((await invokeOverHttp(cookie)).status).toBe(role === "admin" ? 200 : 403);
    if (role === "admin") expect(administrators()).toEqual(["alice@example.com"]);
    session.close();
  });
});

test("OpenClaw takes the addresses that stand for people, and shows nobody another", async () => {
  const session = await GatewaySession.openAs("admin", stack.url, await signIn("alice"));
  const bob = await GatewaySession.open(stack.url, await signIn("bob"));
  const devices = JSON.stringify((await session.request("device.pair.list")).payload);
  const presence = JSON.stringify((await session.request("system-presence")).payload);
  expect(new Set(devices.match(/2001:db8:[0-9a-f:]+/g)).size).toBeGreaterThanOrEqual(2);
  for (const shown of [devices, presence]) expect(shown).not.toMatch(/192\.0\.2\.1|127\.0\.0\.1/);
  session.close();
  bob.close();
});

test("a group that is given makes an administrator, once OpenClaw's own list says so, and others are reconnected", async () => {
  const before = await signIn("bob");
  const other = await GatewaySession.open(stack.url, await signIn("petra"));
  groups["bob"] = ["ops"];
  expect(administrators()).not.toContain("bob@example.com");
  const cookie = await signIn("bob");
  const session = await GatewaySession.openAs("admin", stack.url, cookie);
  expect(administrators()).toContain("bob@example.com");
  expect(outcome(await session.request("config.get"))).toBe("ok");
  // Also in the browser that bob had been signed in with before.
  expect(await roleOf(before)).toBe("admin");
  expect(await other.closed).toBe(4001);
  const again = await GatewaySession.open(stack.url, await signIn("petra"));
  expect(outcome(await again.request("config.get"))).toBe("operator.admin");
  session.close();
  again.close();
});

test("a group that is taken away ends the open socket at once, and OpenClaw's list follows", async () => {
  const cookie = await signIn("alice");
  const session = await GatewaySession.openAs("admin", stack.url, cookie);
  groups["alice"] = [];
  await signIn("alice");
  expect(await session.closed).toBe(1012);
  const next = await GatewaySession.open(stack.url, cookie);
  expect(next.hello?.auth.scopes).not.toContain("operator.admin");
  expect(outcome(await next.request("config.get"))).toBe("operator.admin");
  expect((await invokeOverHttp(cookie)).status).toBe(403);
  await vi.waitFor(() => expect(administrators()).not.toContain("alice@example.com"), { timeout: 30_000 });
  next.close();
});
