import { expect, test } from "vitest";
import { planDeploy } from "../../../scripts/deploy/plan.ts";
import { allHosts, isRouted, sitesOf } from "../../../scripts/deploy/sites.ts";

const script = (name: string, build: string) => ({ name, config: `${name}.toml`, build, files: [] });
const built = { tenant: script("tenant", "b2"), gateway: script("gateway", "g2") };
const running = (vars: Record<string, string>, secretNames: string[]) => ({
  version: { id: "v", createdAt: "", vars, migrationTag: "v1" },
  secretNames,
});
const gateway = running({ AUTHSEC_MODE: "oidc", DEBUG: "1" }, ["SESSION_SECRET"]);
const vars = { AUTHSEC_MODE: "oidc" };

test("a tenant script is uploaded when another build runs, none does, or nobody knows which", () => {
  const changed = (tenant: ReturnType<typeof running> | undefined) =>
    planDeploy(built, { tenant, gateway }, { vars }).tenant.changed;
  expect(changed(undefined)).toBe(true);
  expect(changed(running({ TENANT_BUILD: "b1" }, ["STORAGE_KEY"]))).toBe(true);
  expect(changed(running({}, ["STORAGE_KEY"]))).toBe(true);
  expect(changed(running({ TENANT_BUILD: "b2" }, ["STORAGE_KEY"]))).toBe(false);
});

test("a storage key is made for a script that never had one, and never instead of one that is gone", () => {
  const newSecrets = (tenant: ReturnType<typeof running> | undefined) =>
    Object.keys(planDeploy(built, { tenant, gateway }, { vars }).tenant.newSecrets);
  expect(newSecrets(undefined)).toEqual(["STORAGE_KEY"]);
  expect(newSecrets(running({}, []))).toEqual(["STORAGE_KEY"]);
  expect(newSecrets(running({ TENANT_BUILD: "b2" }, ["STORAGE_KEY"]))).toEqual([]);
  expect(() => newSecrets(running({ TENANT_BUILD: "b2" }, []))).toThrow(
    /^STORAGE_KEY is gone from tenant\. Put the old one back/,
  );
});

test("variables that only the deployed gateway has are told by name", () => {
  expect(planDeploy(built, { tenant: undefined, gateway }, { vars }).droppedVars).toEqual(["DEBUG"]);
});

test("hosts come from the file, else from the shorthand variables; each once, ports apart", () => {
  const file = {
    tenants: [
      { id: "a", hosts: ["a.example.com", "b.example.com:8443"], consoleHost: "c.example.com" },
      { id: "b", hosts: ["a.example.com"] },
    ],
  };
  expect(allHosts(sitesOf({}, file))).toEqual(["a.example.com", "b.example.com", "c.example.com"]);
  const shorthand = {
    PUBLIC_URL: "https://claw.example.com",
    CONSOLE_ORIGIN: "https://console.example.com",
    ADMIN_EMAILS: "a@example.com",
  };
  expect(sitesOf(shorthand, { tenants: [] })).toEqual([
    {
      id: "default",
      hosts: ["claw.example.com"],
      consoleHost: "console.example.com",
      isOpen: true,
    },
  ]);
  expect(sitesOf({ PUBLIC_URL: "https://claw.example.com" }, { tenants: [] })[0]?.isOpen).toBe(false);
});

test.each([
  ["a.gw.example.com", "*.gw.example.com/*", true],
  ["a.b.gw.example.com", "*.gw.example.com/*", true],
  ["gw.example.com", "*.gw.example.com/*", false],
  ["evilgw.example.com", "*.gw.example.com/*", false],
  ["claw.example.com", "claw.example.com/*", true],
  ["claw.example.com", "https://claw.example.com/*", true],
  ["claw.example.com", "example.com/*", false],
  ["claw.example.com", "claw.example.com/blog/*", false],
])("whether %s is brought by the route %s: %s", (host, pattern, is) => {
  expect(isRouted(host, [pattern])).toBe(is);
});
