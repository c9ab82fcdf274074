/** `npm run setup` as a person and as CI run it, with a provider behind TLS and no Cloudflare account. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { checkConfig } from "../../worker/config/parse-config.ts";
import { Checkout } from "../support/checkout.ts";
import { Internet, type Site } from "../support/internet.ts";

const ISSUER = "https://acme.okta.com";
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
  end_session_endpoint: `${ISSUER}/logout`,
  response_types_supported: ["code"],
  code_challenge_methods_supported: ["S256"],
  backchannel_logout_supported: true,
};
const FLAGS = [
  ["--host", "claw.example.com"],
  ["--provider", "okta"],
  ["--issuer", ISSUER],
  ["--client-id", "0oa1"],
  ["--allow", "@example.com"],
  ["--admins", "alice@example.com"],
].flat();

// Each test runs the real wrangler several times: seconds on a quiet machine, minutes on a busy one.
vi.setConfig({ testTimeout: 600_000 });

let folder: string;
let internet: Internet;
let checkout: Checkout;

const serving =
  (metadata: object): Site =>
  ({ url }, response) => {
    const found = url === "/.well-known/openid-configuration";
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(metadata));
  };
const setup = (args: string[], input?: string) => checkout.run("setup", args, internet.env, input);
const tenants = () =>
  (JSON.parse(checkout.read("config/tenants.json")) as { tenants: Record<string, unknown>[] }).tenants;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-setup-"));
  internet = await Internet.start(["acme.okta.com", "login.example.org"], join(folder, "ca.pem"));
});
beforeEach(() => {
  checkout = new Checkout(mkdtempSync(join(folder, "checkout-")));
  internet.sites.set("acme.okta.com", serving(METADATA));
});
afterAll(() => {
  internet.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("answers lead to a tenant that the gateway takes, and the addresses to register are told for both hosts", async () => {
  const answers = ["https://Claw.example.com/", "", "3", ISSUER, "0oa1", "@example.com", "alice@example.com"];
  const { exitCode, stdout, stderr } = await setup([], `${answers.join("\n")}\n`);
  expect(stdout).toMatchInlineSnapshot(`
    "  · the zone is looked up by npm run deploy (not signed in to Cloudflare now)
      ✓ https://acme.okta.com: code, PKCE, RP logout, back-channel
      Register at Okta, letter by letter:
        redirect URI  https://claw.example.com/_gate/callback/okta
                      https://console-claw.example.com/_gate/callback/okta
        sign-out URI  https://claw.example.com/_gate/signed-out
                      https://console-claw.example.com/_gate/signed-out
        back-channel  https://claw.example.com/_gate/backchannel-logout   (where there is the choice: with session id)
      ✓ config/tenants.json: tenant claw added
      Client secret: npm run deploy asks for OKTA_CLIENT_SECRET, or reads it from the environment; it is written nowhere
    Next: npm run deploy -- --dry-run, then npm run deploy
    "
  `);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("Hostname for the console [console-claw.example.com]?");
  expect(tenants()).toMatchInlineSnapshot(`
    [
      {
        "admins": {
          "emails": [
            "alice@example.com",
          ],
        },
        "allow": {
          "domains": [
            "example.com",
          ],
        },
        "consoleHost": "console-claw.example.com",
        "hosts": [
          "claw.example.com",
        ],
        "id": "claw",
        "providers": [
          {
            "clientId": "0oa1",
            "clientSecret": "OKTA_CLIENT_SECRET",
            "issuer": "https://acme.okta.com",
            "preset": "okta",
          },
        ],
      },
    ]
  `);
  const { problems, secretNames } = checkConfig({ AUTHSEC_MODE: "oidc" }, { tenants: tenants() });
  expect(problems.map(({ name }) => name).filter((name) => !secretNames.includes(name))).toEqual([]);
});

test("flags with --yes do the same, and again is nothing new; another tenant and what setup does not know stay", async () => {
  const other = {
    id: "other",
    hosts: ["other.example.com"],
    providers: [{ preset: "google", clientId: "g", clientSecret: "OKTA_CLIENT_SECRET" }],
  };
  checkout.writeTenants([other]);
  expect((await setup([...FLAGS, "--yes"])).exitCode).toBe(0);
  expect(tenants()[0]).toEqual(other);
  // The name of the secret was taken.
  expect(tenants()[1]).toMatchObject({ id: "claw", providers: [{ clientSecret: "CLAW_OKTA_CLIENT_SECRET" }] });
  const written = checkout.read("config/tenants.json");
  expect((await setup([...FLAGS, "--yes"])).exitCode).toBe(0);
  expect(checkout.read("config/tenants.json")).toBe(written);

  checkout.writeTenants([
    other,
    {
      ...tenants()[1],
      notice: "Be kind",
      allow: { groups: ["staff"] },
      hosts: ["old.example.com", "claw.example.com"],
    },
  ]);
  const changed = await setup([
    "--yes",
    "--host",
    "claw.example.com",
    "--client-id",
    "0oa2",
    "--allow",
    "example.org,bob@example.com",
  ]);
  expect(changed.exitCode).toBe(0);
  expect(changed.stdout).toContain("npx wrangler secret put CLAW_OKTA_CLIENT_SECRET");
  expect(tenants()[1]).toMatchObject({
    id: "claw",
    hosts: ["old.example.com", "claw.example.com"],
    notice: "Be kind",
    providers: [{ issuer: ISSUER, clientId: "0oa2", clientSecret: "CLAW_OKTA_CLIENT_SECRET" }],
    allow: { domains: ["example.org"], emails: ["bob@example.com"], groups: ["staff"] },
    admins: { emails: ["alice@example.com"] },
  });
});

test("a person who mistypes is asked again, with what is expected", async () => {
  const answers = [
    "localhost",
    "claw.example.com",
    "claw.example.com",
    "",
    "9",
    "okta",
    `${ISSUER}/`,
    "https://login.example.org/none",
    ISSUER,
    "0oa1",
    "nobody",
    "@example.com",
    "@example.com",
    "alice@example.com",
  ];
  const { exitCode, stderr } = await setup([], `${answers.join("\n")}\n`);
  expect(exitCode).toBe(0);
  const expected = stderr.split("\n").filter((line) => line.includes("expected"));
  expect(expected.map((line) => line.replace(/^.*tidegate: /, ""))).toMatchInlineSnapshot(`
    [
      "expected a host name such as claw.example.com, of a domain that is at Cloudflare",
      "expected another host: nothing shares the console's",
      "expected one of google, entra, okta, auth0, keycloak, github, oidc",
      "expected no slash at the end: Okta spells it without",
      "expected an issuer that answers: https://login.example.org/none has no metadata at /.well-known/openid-configuration",
      "expected addresses (alice@example.com) and domains (@example.com), separated by commas",
      "expected at least one address, such as alice@example.com: administrators are named one by one",
    ]
  `);
});

test("what cannot be is told without a stack, and the file is as it was", async () => {
  const before = checkout.read("config/tenants.json");
  internet.sites.set("acme.okta.com", serving({ ...METADATA, issuer: "https://acme.okta.com/oauth2/\u001bdefault" }));
  const { exitCode, stderr } = await setup([...FLAGS, "--yes"]);
  expect(stderr).toContain(
    "spells itself https://acme.okta.com/oauth2/default: the issuer must be that, letter by letter",
  );
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(exitCode).toBe(1);
  expect(checkout.read("config/tenants.json")).toBe(before);
});

test("a tenant with two providers is left to its author, and a file that is no JSON as it is", async () => {
  const providers = ["okta", "keycloak"].map((preset) => ({
    preset,
    issuer: ISSUER,
    clientId: "x",
    clientSecret: "X_SECRET",
  }));
  checkout.writeTenants([{ id: "claw", hosts: ["claw.example.com"], providers }]);
  expect((await setup([...FLAGS, "--yes"])).stderr).toContain("has several providers, each with rules of its own");
  checkout.write("config/tenants.json", "{ not JSON");
  expect((await setup([...FLAGS, "--yes"])).stderr).toContain(
    'config/tenants.json is no JSON; {"tenants": []} is enough',
  );
  expect(checkout.read("config/tenants.json")).toBe("{ not JSON");
});
