import { describe, expect, test } from "vitest";
import { findAmong } from "../../../../worker/config/find-tenant.ts";
import { checkConfig, parseConfig } from "../../../../worker/config/parse-config.ts";
import { ConfigError } from "../../../../worker/config/problem.ts";
import { lifetimeOf } from "../../../../worker/config/tenant.ts";
import { SECRET } from "../app.ts";
import { AGENT_KEY, CLIENT_SECRET, GUID, many, single, stub, tenantsFile } from "./documents.ts";

/** @returns each problem as `name: expected`, of one field changed or, with undefined, left out */
function problemsOf(base: Record<string, string>, changed: Record<string, string | undefined>): string[] {
  const { problems, config } = checkConfig({ ...base, ...changed });
  expect(config === undefined).toBe(problems.length > 0);
  return problems.map(({ name, expected }) => `${name}: ${expected}`);
}

describe("the shorthand variables", () => {
  test("make the only document of a single tenant", () => {
    const { tenants, development } = parseConfig(single);
    expect(development).toBe(false);
    expect(tenants).toHaveLength(1);
    expect(tenants[0]).toMatchObject({
      id: "default",
      name: "Acme",
      contact: "help@example.com",
      agentKeys: new Map([["agent-one", AGENT_KEY]]),
      access: {
        allow: { emails: ["carol@other.example"], domains: ["example.com", "xn--bcher-kva.example"] },
        admins: { emails: ["alice@example.com"] },
      },
      providers: [
        {
          id: "oidc",
          kind: "oidc",
          issuer: "https://acme.okta.com",
          clientId: "0oa1",
          clientAuth: { method: "client_secret_basic", secret: CLIENT_SECRET },
          emailDomains: null,
        },
      ],
    });
    expect(tenants[0]?.publicUrl.href).toBe("https://claw.example.com/");
  });

  test("are enough for the stub, and it has no provider", () => {
    const { tenants, stubUsers, mode } = parseConfig({ ...stub, OIDC_ISSUER: "https://a.example" });
    expect([mode, tenants[0]?.providers, tenants[0]?.publicUrl.origin]).toEqual(["stub", [], stub.PUBLIC_URL]);
    expect(stubUsers).toEqual([
      { email: "alice@example.com", role: "admin" },
      { email: "bob@example.com", role: "user" },
    ]);
  });

  test.each([
    ["https://accounts.google.com", "Google"],
    ["https://github.com", "GitHub"],
    [`https://login.microsoftonline.com/${GUID}/v2.0`, "Microsoft"],
    ["https://acme.eu.auth0.com/", "Auth0"],
    ["https://id.example.com/realms/acme", "Keycloak"],
    ["https://id.example.com", "Single sign-on"],
    ["https://id.example.com/", "Single sign-on"],
  ])("know %s as %s, byte for byte", (issuer, label) => {
    expect(parseConfig({ ...single, OIDC_ISSUER: issuer }).tenants[0]?.providers[0]).toMatchObject({
      id: "oidc",
      label,
      issuer,
    });
  });

  test("take http on localhost in development, and nowhere else", () => {
    const local = {
      ENVIRONMENT: "development",
      PUBLIC_URL: "http://localhost:8080",
      OIDC_ISSUER: "http://localhost:9/a",
    };
    expect(problemsOf(single, local)).toEqual([]);
    expect(problemsOf(single, { ...local, ENVIRONMENT: undefined })).toEqual([
      "PUBLIC_URL: https (http only in development, on localhost)",
      "OIDC_ISSUER: https (http only in development, on localhost)",
    ]);
    expect(problemsOf(single, { ...local, OIDC_ISSUER: "http://id.example" })).toHaveLength(1);
    expect(problemsOf(single, { ...local, PUBLIC_URL: "http://gw.example" })).toHaveLength(1);
  });

  test("take a private key instead of a secret", () => {
    const settings = { ...single, OIDC_CLIENT_AUTH: "private_key_jwt", OIDC_CLIENT_SECRET: many.BETA_KEY };
    const [provider] = parseConfig(settings).tenants[0]?.providers ?? [];
    expect(provider?.clientAuth).toMatchObject({ method: "private_key_jwt", algorithm: "ES256", keyId: "one" });
  });
});

describe("config/tenants.json", () => {
  test("brings tenants, each on every host of its own", () => {
    const { tenants } = parseConfig(many, tenantsFile());
    const find = findAmong(tenants);
    expect(find("acme.example.com", "/")).toMatchObject({ id: "acme", publicUrl: new URL("https://acme.example.com") });
    expect(find("claw.acme.example", "/x")?.publicUrl.host).toBe("claw.acme.example");
    expect(find("beta.example.com", "/")?.providers[0]).toMatchObject({
      id: "google",
      issuer: "https://accounts.google.com",
      clientAuth: { method: "private_key_jwt" },
      prompt: "select_account",
    });
    for (const host of ["", "evil.example", "ACME.example.com", "acme.example.com.", "acme.example.com:443"]) {
      expect(find(host, "/")).toBeUndefined();
    }
    const [acme] = tenants;
    expect(acme?.providers.map(({ id, entraTenants }) => [id, entraTenants])).toEqual([
      ["staff", null],
      ["entra", [GUID]],
    ]);
    expect(acme && lifetimeOf(acme, "admin")).toEqual({ idleSeconds: 600, absoluteSeconds: 7200 });
    expect(acme && lifetimeOf(acme, "user")).toEqual({ idleSeconds: 3600, absoluteSeconds: 7200 });
  });

  test("with no tenants leaves it to the variables", () => {
    expect(parseConfig(single, { tenants: [] }).tenants[0]?.id).toBe("default");
  });

  test("and the shorthand variables exclude each other", () => {
    const { problems } = checkConfig({ ...many, ALLOWED_DOMAINS: "example.com" }, tenantsFile());
    expect(problems).toEqual([
      { name: "ALLOWED_DOMAINS", expected: "nothing, because config/tenants.json lists the tenants" },
    ]);
  });

  test("lets tenants share a host when both say so and have the same admins", () => {
    const file = tenantsFile();
    const [acme, beta] = file.tenants as Record<string, unknown>[];
    Object.assign(beta!, { hosts: ["acme.example.com"], basePath: "/beta", sharedOrigin: true });
    Object.assign(acme!, { sharedOrigin: true, admins: {} });
    const find = findAmong(parseConfig(many, file).tenants);
    const found = ["/", "/beta", "/beta/", "/beta/x", "/betax", "/Beta", "/%62eta", "/x/beta"].map(
      (path) => find("acme.example.com", path)?.id,
    );
    expect(found).toEqual(["acme", "beta", "beta", "beta", "acme", "acme", "acme", "acme"]);
  });
});

describe("bad settings", () => {
  test.each<[Record<string, string | undefined>, RegExp[]]>([
    [{ AUTHSEC_MODE: undefined }, [/^AUTHSEC_MODE: stub, oidc or native/]],
    [{ AUTHSEC_MODE: "maybe" }, [/^AUTHSEC_MODE/]],
    [{ ENVIRONMENT: "prod" }, [/^ENVIRONMENT: production or development/]],
    [{ SESSION_SECRET: undefined }, [/^SESSION_SECRET: 32 random bytes/]],
    [{ SESSION_SECRET: SECRET.slice(0, 42) }, [/^SESSION_SECRET/]],
    [{ SESSION_SECRET: "A".repeat(43) }, [/^SESSION_SECRET/]],
    [{ SESSION_SECRET: "abcdefghijklmnopqrstuvwxyz".repeat(2) }, [/^SESSION_SECRET/]],
    [{ SESSION_SECRET: `${SECRET},` }, [/^SESSION_SECRET/]],
    [{ SESSION_SECRET: `${SECRET},${SECRET}` }, [/^SESSION_SECRET/]],
    [{ SESSION_SECRET: `${SECRET}\n` }, [/^SESSION_SECRET/]],
    [{ PUBLIC_URL: undefined }, [/^PUBLIC_URL: the address/]],
    [{ PUBLIC_URL: "ftp://x" }, [/^PUBLIC_URL/]],
    [{ PUBLIC_URL: "https://claw.example.com/x" }, [/^PUBLIC_URL/]],
    [{ PUBLIC_URL: "https://a:b@claw.example.com" }, [/^PUBLIC_URL/]],
    [{ OIDC_ISSUER: undefined }, [/^OIDC_ISSUER: the issuer's address/]],
    [{ OIDC_ISSUER: "http://id.example" }, [/^OIDC_ISSUER: https/]],
    [{ OIDC_ISSUER: "https://id.example/?a" }, [/^OIDC_ISSUER: an address without/]],
    [{ OIDC_ISSUER: "https://id.example/.well-known/openid-configuration" }, [/^OIDC_ISSUER: the issuer alone/]],
    [{ OIDC_ISSUER: "https://ID.example" }, [/^OIDC_ISSUER: the host in lower case/]],
    [{ OIDC_ISSUER: "https://id.example:443" }, [/^OIDC_ISSUER: the host in lower case, without a port/]],
    [{ OIDC_ISSUER: "https://accounts.google.com/" }, [/^OIDC_ISSUER: .*without a slash/]],
    [{ OIDC_ISSUER: "https://acme.okta.com/" }, [/^OIDC_ISSUER: no slash/]],
    [{ OIDC_ISSUER: "https://acme-admin.okta.com" }, [/^OIDC_ISSUER: .*not its -admin/]],
    [{ OIDC_ISSUER: "https://acme.eu.auth0.com" }, [/^OIDC_ISSUER: .*with the slash/]],
    [{ OIDC_ISSUER: "https://id.example/realms/a/" }, [/^OIDC_ISSUER: .*realms.*without a slash/]],
    [{ OIDC_ISSUER: `https://sts.windows.net/${GUID}/` }, [/^OIDC_ISSUER: https:\/\/login\.microsoftonline\.com/]],
    [{ OIDC_ISSUER: "https://login.microsoftonline.com/common/v2.0" }, [/^OIDC_ISSUER: the ids of the directories/]],
    [{ OIDC_CLIENT_ID: undefined }, [/^OIDC_CLIENT_ID: the client id/]],
    [{ OIDC_CLIENT_AUTH: "none" }, [/^OIDC_CLIENT_AUTH: client_secret_basic/]],
    [{ OIDC_CLIENT_AUTH: "private_key_jwt" }, [/^OIDC_CLIENT_SECRET: a private key as JWK/]],
    [{ OIDC_CLIENT_SECRET: undefined }, [/^OIDC_CLIENT_SECRET: the client secret that/]],
    [{ OIDC_CLIENT_SECRET: `${CLIENT_SECRET}\n` }, [/^OIDC_CLIENT_SECRET: .*without spaces or a line end/]],
    [{ OIDC_CLIENT_SECRET: "xxxxxxxxxxxx" }, [/^OIDC_CLIENT_SECRET: .*too weak/]],
    [{ ALLOWED_EMAILS: "a@example.com,b@" }, [/^ALLOWED_EMAILS\[1\]: one e-mail/]],
    [{ ALLOWED_EMAILS: "Alice <a@example.com>" }, [/^ALLOWED_EMAILS\[0\]/]],
    [
      { ALLOWED_DOMAINS: "*.example.com,@example.com,example.com." },
      [/\[0\]: a domain/, /\[1\]/, /^ALLOWED_DOMAINS\[2\]/],
    ],
    [{ ADMIN_EMAILS: "example.com" }, [/^ADMIN_EMAILS\[0\]/]],
    [{ TENANT_NAME: "a\nb" }, [/^TENANT_NAME: a text of at most 64/]],
    [{ CONTACT: "x".repeat(129) }, [/^CONTACT: a text of at most 128/]],
    [{ AGENT_KEYS: "short:key" }, [/^AGENT_KEYS\[0\]: 8 to 64/, /^AGENT_KEYS\[0\]: a raw Ed25519/]],
    [{ ALLOW_DOMAINS: "example.com" }, [/^ALLOW_DOMAINS: is not a known name; did you mean ALLOWED_DOMAINS\?/]],
    [{ SESION_SECRET: SECRET }, [/^SESION_SECRET: is not a known name; did you mean SESSION_SECRET\?/]],
    [{ DEBUG: "1" }, [/^DEBUG: is not a known name$/]],
    [{ STORAGE_KEY: SECRET }, [/^STORAGE_KEY: belongs to the tenant script/]],
  ])("%j: told by name", (changed, expected) => {
    const told = problemsOf(single, changed);
    expect(told).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(told[index]).toMatch(pattern);
  });

  test("are told all at once", () => {
    const empty = problemsOf({}, {}).map((line) => line.split(":")[0]);
    expect(empty).toEqual(["AUTHSEC_MODE", "SESSION_SECRET", "PUBLIC_URL"]);
    const names = problemsOf({ AUTHSEC_MODE: "oidc", OIDC_ISUER: "x", ENVIRONMENT: "p" }, {}).map(
      (line) => line.split(":")[0],
    );
    expect(names.toSorted()).toEqual([
      "ENVIRONMENT",
      "OIDC_CLIENT_ID",
      "OIDC_CLIENT_SECRET",
      "OIDC_ISSUER",
      "OIDC_ISUER",
      "PUBLIC_URL",
      "SESSION_SECRET",
    ]);
    expect(() => parseConfig({})).toThrowError(ConfigError);
    expect(() => parseConfig({})).toThrowError(/AUTHSEC_MODE.*SESSION_SECRET.*PUBLIC_URL/);
  });

  test("do not include a secret that no document names yet", () => {
    const { config, unusedSecrets } = checkConfig({ ...single, NEXT_OKTA_SECRET: CLIENT_SECRET });
    expect([config === undefined, unusedSecrets]).toEqual([false, ["NEXT_OKTA_SECRET"]]);
  });
});
