import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkFolder } from "../../../scripts/config-check.ts";

const SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA";
const CLIENT_SECRET = "kY7-example-Qz31-Vb";
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-config-"));
  mkdirSync(join(folder, "config"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const goodVars = {
  AUTHSEC_MODE: "oidc",
  PUBLIC_URL: "https://claw.example.com",
  OIDC_ISSUER: "https://acme.okta.com",
  OIDC_CLIENT_ID: "0oa1",
  ALLOWED_DOMAINS: "example.com",
};
const goodSecrets = { SESSION_SECRET: SECRET, OIDC_CLIENT_SECRET: CLIENT_SECRET };

function lines(values: Record<string, string>, quote: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${quote}${value}${quote}\n`)
    .join("");
}

interface Files {
  vars?: Record<string, string>;
  secrets?: Record<string, string>;
  tenants?: unknown;
  toml?: string;
}

function check(
  { vars = goodVars, secrets = goodSecrets, tenants = { tenants: [] }, toml = "" }: Files,
  withoutSecrets = false,
) {
  writeFileSync(join(folder, "wrangler.toml"), `name = "x"\n${toml}\n[vars]\n${lines(vars, '"')}`);
  writeFileSync(join(folder, ".dev.vars"), lines(secrets, ""));
  writeFileSync(join(folder, "config/tenants.json"), typeof tenants === "string" ? tenants : JSON.stringify(tenants));
  return checkFolder(folder, { withoutSecrets });
}

const names = ({ problems }: { problems: { name: string }[] }) => problems.map(({ name }) => name).toSorted();

test("a good configuration is told in one line", async () => {
  const result = await check({});
  expect(result).toEqual({
    ok: true,
    summary: "the configuration is fine: oidc, production, 1 tenant on 1 host",
    problems: [],
    notes: [],
    unchecked: [],
  });
});

test("problems of all three files are told at once, and no value", async () => {
  const vars = {
    ...goodVars,
    AUTHSEC_MODE: "sso-hunter2",
    OIDC_ISSUER: "http://hunter2.example",
    OIDC_CLIENTID: "hunter2",
  };
  const result = await check({ vars, secrets: { SESSION_SECRET: "hunter2" }, tenants: '{"tenants": [hunter2' });
  expect(names(result)).toEqual(
    [
      "AUTHSEC_MODE",
      "OIDC_CLIENTID",
      "OIDC_CLIENT_SECRET",
      "OIDC_ISSUER",
      "SESSION_SECRET",
      "config/tenants.json",
    ].toSorted(),
  );
  expect([result.ok, result.summary]).toEqual([false, "6 problems"]);
  expect(JSON.stringify(result)).not.toContain("hunter2");
});

test("secrets that are at Cloudflare only can be left out", async () => {
  expect(names(await check({ secrets: {} }))).toEqual(["OIDC_CLIENT_SECRET", "SESSION_SECRET"]);
  const result = await check({ secrets: {} }, true);
  expect([result.ok, result.summary]).toEqual([
    true,
    "the configuration is fine, apart from secrets that are not here",
  ]);
  expect(result.unchecked).toEqual(["SESSION_SECRET", "OIDC_CLIENT_SECRET"]);
  expect(names(await check({ secrets: { SESSION_SECRET: "weak" } }, true))).toEqual(["SESSION_SECRET"]);
});

test("a secret in wrangler.toml is a problem: that file is in git", async () => {
  const result = await check({ vars: { ...goodVars, SESSION_SECRET: SECRET } });
  expect(names(result)).toEqual(["wrangler.toml SESSION_SECRET"]);
});

test("the development sign-in cannot be deployed", async () => {
  expect(names(await check({ vars: { ...goodVars, AUTHSEC_MODE: "stub" } }))).toEqual(["wrangler.toml AUTHSEC_MODE"]);
});

test("variables of this computer hide nothing of what is deployed", async () => {
  const vars = { ...goodVars, OIDC_ISSUER: "http://localhost:9000" };
  const result = await check({
    vars,
    secrets: { ...goodSecrets, ENVIRONMENT: "development", OIDC_ISSUER: "https://a.example" },
  });
  expect(names(result)).toEqual(["OIDC_ISSUER"]);
  expect(result.notes).toEqual([
    ".dev.vars ENVIRONMENT: counts on this computer only, and is not judged here",
    ".dev.vars OIDC_ISSUER: counts on this computer only, and is not judged here",
  ]);
});

test("notes tell what is allowed and hardly meant", async () => {
  const tenant = {
    id: "acme",
    hosts: ["acme.example.com"],
    basePath: "/acme",
    providers: [{ preset: "google", clientId: "1.apps", clientSecret: "GOOGLE_SECRET" }],
  };
  const secrets = { SESSION_SECRET: SECRET, GOOGLE_SECRET: CLIENT_SECRET, OLD_GOOGLE_SECRET: CLIENT_SECRET };
  const { ok, notes } = await check({ vars: { AUTHSEC_MODE: "oidc" }, secrets, tenants: { tenants: [tenant] } });
  expect(ok).toBe(true);
  expect(notes).toEqual([
    "OLD_GOOGLE_SECRET: nothing reads this secret",
    "config/tenants.json tenants[0].basePath: nothing acts on it yet",
    "tenant acme: nobody may come in, because nobody is allowed",
  ]);
});

test.each(["", "= = =", "[vars"])(
  "a wrangler.toml that cannot be read is told, and nothing of it: %j",
  async (toml) => {
    const result = await check({ toml });
    expect(names(result).includes("wrangler.toml")).toBe(toml !== "");
  },
);
