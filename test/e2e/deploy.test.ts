/**
 * `npm run deploy` with the real wrangler against a stand-in of Cloudflare's API (test/support/cloudflare-api.ts), as a
 * process of its own in a checkout of its own. What only Cloudflare itself can show is on docs/deploy.md's list.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Checkout, type Ended, type Run } from "../support/checkout.ts";
import { CloudflareStandIn, TOKEN, type Recorded } from "../support/cloudflare-api.ts";
import { Internet, type Site } from "../support/internet.ts";

const HOSTS = ["claw.example.com", "console-claw.example.com"];
const CLIENT_SECRET = "kY7-example-Qz31-Vb";
const TENANT = {
  id: "claw",
  hosts: ["claw.example.com"],
  consoleHost: "console-claw.example.com",
  providers: [
    { preset: "okta", issuer: "https://acme.okta.com", clientId: "0oa1", clientSecret: "OKTA_CLIENT_SECRET" },
  ],
  allow: { domains: ["example.com"] },
  admins: { emails: ["alice@example.com"] },
};

// Each test runs the real wrangler several times: seconds on a quiet machine, minutes on a busy one.
vi.setConfig({ testTimeout: 600_000 });

let folder: string;
let checkout: Checkout;
let cloudflare: CloudflareStandIn;
let internet: Internet;

/** The gateway as it answers once it is there. */
const gateway: Site = ({ url }, response) => {
  if (url === "/_gate/healthz") response.end("ok");
  else if (url === "/_gate/login") response.writeHead(302, { location: "https://acme.okta.com/authorize" }).end();
  else response.end("ready");
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-deploy-"));
  internet = await Internet.start([...HOSTS, "office.example.com"], join(folder, "ca.pem"));
});
beforeEach(async () => {
  checkout = new Checkout(mkdtempSync(join(folder, "checkout-")));
  checkout.writeTenants([TENANT]);
  cloudflare = await CloudflareStandIn.start();
  for (const host of HOSTS) internet.sites.set(host, gateway);
  internet.asked.length = 0;
});
afterEach(() => {
  cloudflare.stop();
  // The stand-in answered everything that wrangler asked: nothing here rests on an answer it made up.
  expect(cloudflare.unknown).toEqual([]);
});
afterAll(() => {
  internet.stop();
  rmSync(folder, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}) => ({
  ...internet.env,
  CLOUDFLARE_API_BASE_URL: cloudflare.url,
  CLOUDFLARE_API_TOKEN: TOKEN,
  OKTA_CLIENT_SECRET: CLIENT_SECRET,
  ...more,
});
const deploy = (args: string[] = [], more?: Record<string, string>): Promise<Ended> =>
  checkout.run("deploy", args, env(more));

/** What was uploaded, in order. */
const uploads = () => cloudflare.changes.filter((change) => /^PUT \/scripts\/[^/]+$|\/versions$/.test(change));
const secretOf = (script: string, name: string) =>
  cloudflare.running(script)?.bindings.find((binding) => binding.name === name && binding.type === "secret_text")?.text;
const isRequest =
  (wanted: string, end: string) =>
  ({ method, path }: Recorded): boolean =>
    method === wanted && path.split("?")[0]?.endsWith(end) === true;
const tenantUpload = isRequest("PUT", "/scripts/tidegate-tenant");
const gatewayUpload = isRequest("PUT", "/scripts/tidegate-gateway");

/** What an upload that came said of a secret. */
function sent(name: string): string {
  const pattern = new RegExp(`"name":"${name}","type":"secret_text","text":"([^"]+)"`);
  const [value] = cloudflare.recorded.flatMap(({ body }) => pattern.exec(body)?.slice(1) ?? []);
  if (value === undefined) throw new Error(`${name} was not sent`);
  return value;
}

/** While wrangler holds them, before anything could be cleared away: no argument, no file, no address, no output. */
function expectSecretsOnlyInBodies(run: Run): void {
  const values = ["STORAGE_KEY", "SESSION_SECRET", "OKTA_CLIENT_SECRET"].map(sent);
  const leaks = (text: string) => values.some((value) => text.includes(value));
  const commandLines = run.commandLines();
  expect(commandLines.some((line) => line.includes("--secrets-file /dev/stdin"))).toBe(true);
  expect(commandLines.filter(leaks)).toEqual([]);
  expect(checkout.wranglerArguments.filter(leaks)).toEqual([]);
  expect(checkout.filesWith(values)).toEqual([]);
  expect(leaks(run.stdout + run.stderr)).toBe(false);
  const carrying = cloudflare.recorded.filter((request) => leaks(JSON.stringify(request)));
  expect(carrying.length).toBeGreaterThan(0);
  expect(carrying.filter((request) => !tenantUpload(request) && !gatewayUpload(request))).toEqual([]);
  expect(carrying.filter(({ path, headers }) => leaks(path + JSON.stringify(headers)))).toEqual([]);
}

describe("the first deploy", () => {
  test("uploads the tenant script first, each with its new secrets, publishes the hosts, looks, and tells what is next", async () => {
    const { exitCode, stdout } = await deploy();
    expect(stdout).toMatchInlineSnapshot(`
      "  ✓ configuration (2 scripts, 1 tenant)
        ✓ tidegate-tenant deployed
        ✓ secrets: SESSION_SECRET made, STORAGE_KEY made, OKTA_CLIENT_SECRET set
        ✓ tidegate-gateway → https://claw.example.com https://console-claw.example.com
        claw.example.com:  ✓ healthz  ✓ sign-in page  ✓ readyz
        console-claw.example.com:  ✓ healthz  ✓ sign-in page  ✓ readyz

      Next, on the computer that runs OpenClaw, as the user that runs it (Node 22 or newer):
        curl -fsS https://claw.example.com/_gate/agent.mjs -o tidegate-agent.mjs
        node tidegate-agent.mjs setup https://claw.example.com
        an administrator approves it at https://console-claw.example.com
      "
    `);
    expect(exitCode).toBe(0);
    expect(cloudflare.changes).toEqual([
      "PUT /scripts/tidegate-tenant",
      "POST /scripts/tidegate-tenant/subdomain",
      "POST /scripts/tidegate-gateway/assets-upload-session",
      "PUT /scripts/tidegate-gateway",
      "POST /scripts/tidegate-gateway/subdomain",
      "PUT /scripts/tidegate-gateway/schedules",
      "PUT /scripts/tidegate-gateway/domains/records",
    ]);
    expect([...cloudflare.domains.keys()]).toEqual(HOSTS);
    expect(cloudflare.running("tidegate-tenant")?.migrationTag).toBe("v1");
    expect(secretOf("tidegate-gateway", "OKTA_CLIENT_SECRET")).toBe(CLIENT_SECRET);
    expect(secretOf("tidegate-gateway", "SESSION_SECRET")).toMatch(/^[\w-]{43}$/);
    expect(secretOf("tidegate-tenant", "STORAGE_KEY")).toMatch(/^[\w-]{43}$/);
    // Neither script has the other's.
    expect(secretOf("tidegate-tenant", "SESSION_SECRET")).toBeUndefined();
    expect(secretOf("tidegate-gateway", "STORAGE_KEY")).toBeUndefined();
    const paths = ["/_gate/healthz", "/_gate/login", "/_gate/readyz"];
    expect(internet.asked).toEqual(HOSTS.flatMap((host) => paths.map((path) => host + path)));
  });

  test("goes on after being killed at any step: each secret made once and never seen outside a body, no upload twice", async () => {
    const steps: [string, (request: Recorded) => boolean][] = [
      ["before the tenant script is there", tenantUpload],
      ["after it, before wrangler is through", isRequest("POST", "/tidegate-tenant/subdomain")],
      ["before the gateway is there", gatewayUpload],
      ["before its schedule", isRequest("PUT", "/tidegate-gateway/schedules")],
      ["before its hosts", isRequest("PUT", "/domains/records")],
    ];
    for (const [, step] of steps) {
      const { reached } = cloudflare.holdNext(step);
      const run = checkout.start("deploy", [], env());
      await reached;
      if (step === gatewayUpload) expectSecretsOnlyInBodies(run);
      await run.kill();
    }
    const before = {
      key: secretOf("tidegate-tenant", "STORAGE_KEY"),
      session: secretOf("tidegate-gateway", "SESSION_SECRET"),
    };
    const { exitCode, stdout } = await deploy();
    expect(exitCode).toBe(0);
    expect(stdout).toContain("tidegate-tenant unchanged since it was deployed");
    expect(stdout).toContain("secrets: all there");
    expect(cloudflare.scripts.get("tidegate-tenant")?.versions).toHaveLength(1);
    expect(before.key).toMatch(/^[\w-]{43}$/);
    expect(secretOf("tidegate-tenant", "STORAGE_KEY")).toBe(before.key);
    expect(secretOf("tidegate-gateway", "SESSION_SECRET")).toBe(before.session);
    expect([...cloudflare.domains.keys()]).toEqual(HOSTS);
  });

  test("waits for another one in the same folder, and then finds its work done", async () => {
    const { reached, release } = cloudflare.holdNext(tenantUpload);
    const first = checkout.start("deploy", [], env());
    await reached;
    const second = checkout.start("deploy", [], env());
    await second.text("waiting for another deploy from this folder");
    expect(uploads()).toEqual(["PUT /scripts/tidegate-tenant"]);
    release();
    expect((await first.ended).exitCode).toBe(0);
    const { exitCode, stdout } = await second.ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain("tidegate-tenant unchanged since it was deployed");
    expect(uploads()).toEqual([
      "PUT /scripts/tidegate-tenant",
      "PUT /scripts/tidegate-gateway",
      "POST /scripts/tidegate-gateway/versions",
    ]);
  });
});

describe("a later deploy", () => {
  test("leaves the tenant script alone until its code changes, sends no secret again, and tells before what it will do", async () => {
    await deploy();
    cloudflare.forget();
    const dry = await deploy(["--dry-run"], { OKTA_CLIENT_SECRET: "" });
    expect(dry.exitCode).toBe(0);
    expect(dry.stdout).toContain("tidegate-tenant: nothing");
    expect(cloudflare.recorded.filter(({ method }) => method !== "GET")).toEqual([]);

    const same = await deploy([], { OKTA_CLIENT_SECRET: "" });
    expect(same.exitCode).toBe(0);
    expect(same.stdout).toContain("unchanged since it was deployed: left alone, no chat is cut");
    expect(uploads()).toEqual(["POST /scripts/tidegate-gateway/versions"]);
    expect(
      cloudflare.recorded.filter(({ body }) => body.includes("secret_text") && !body.includes("keep_bindings")),
    ).toEqual([]);

    cloudflare.forget();
    const key = secretOf("tidegate-tenant", "STORAGE_KEY");
    checkout.write(
      "durable-objects/index.ts",
      `${checkout.read("durable-objects/index.ts")}\nconsole.log("changed");\n`,
    );
    checkout.writeTenants([{ ...TENANT, consoleHost: "office.example.com" }]);
    internet.sites.set("office.example.com", gateway);
    const changed = await deploy();
    expect(changed.exitCode).toBe(0);
    expect(changed.stdout).toContain("tidegate-tenant deployed");
    expect(changed.stdout).toContain("console-claw.example.com leads here no longer");
    expect(changed.stderr).toContain("open chats are cut once and come back");
    expect(uploads()).toEqual(["PUT /scripts/tidegate-tenant", "POST /scripts/tidegate-gateway/versions"]);
    expect(secretOf("tidegate-tenant", "STORAGE_KEY")).toBe(key);
    expect([...cloudflare.domains.keys()]).toEqual(["claw.example.com", "office.example.com"]);
  });
});

describe("mistakes", () => {
  interface Mistake {
    mistake: string;
    env?: Record<string, string>;
    before?: () => void;
    tells: RegExp;
    /** What was changed until it was noticed. */
    changes?: number;
  }
  const mistakes: Mistake[] = [
    {
      mistake: "nobody is signed in",
      env: { CLOUDFLARE_API_TOKEN: "" },
      tells:
        /^tidegate: Not signed in to Cloudflare\. Sign in with `npx wrangler login`, or CLOUDFLARE_API_TOKEN with a token/m,
    },
    {
      mistake: "the token is not good",
      env: { CLOUDFLARE_API_TOKEN: "expired" },
      tells: /^tidegate: Cloudflare refuses this sign-in \(Authentication error \[10000\]\)\. Sign in with/m,
    },
    {
      mistake: "the sign-in reaches two accounts",
      before: () => cloudflare.accounts.push({ id: "other", name: "Other\u001b[2J" }),
      tells:
        /say which with CLOUDFLARE_ACCOUNT_ID\n {2}CLOUDFLARE_ACCOUNT_ID=0123\w+ {2}Acme\n {2}CLOUDFLARE_ACCOUNT_ID=other {2}Other\[2J\n$/,
    },
    {
      mistake: "the host is in no zone of the account",
      before: () => void (cloudflare.zones = [{ id: "2", name: "example.org", status: "active" }]),
      tells:
        /claw\.example\.com is in no zone of this Cloudflare account: add its domain .* \(example\.org\), with npm run setup/,
    },
    {
      mistake: "the zone is not active yet",
      before: () => void (cloudflare.zones = [{ id: "1", name: "example.com", status: "pending" }]),
      tells: /example\.com, the zone of claw\.example\.com, is pending at Cloudflare: its registrar must name/,
    },
    {
      mistake: "a provider's secret is nowhere",
      env: { OKTA_CLIENT_SECRET: "" },
      tells: /^tidegate: OKTA_CLIENT_SECRET: neither at Cloudflare nor in the environment/m,
    },
    {
      mistake: "SESSION_SECRET is given and weak",
      env: { SESSION_SECRET: "hunter2hunter2" },
      tells: /nothing was sent:\n {2}SESSION_SECRET: 32 random bytes or more in base64url/,
    },
    {
      mistake: "a client secret has its line end",
      env: { OKTA_CLIENT_SECRET: `${CLIENT_SECRET}\n` },
      tells: /OKTA_CLIENT_SECRET: the client secret without spaces or a line end around it/,
    },
    {
      mistake: "a key of the tenant is misspelt",
      before: () => checkout.writeTenants([{ ...TENANT, consoleHots: "a.example.com" }]),
      tells: /config\/tenants\.json tenants\[0\]\.consoleHots: is not a known name; did you mean consoleHost\?/,
    },
    {
      mistake: "nothing is configured",
      before: () => checkout.writeTenants([]),
      tells: /^tidegate: nothing is configured yet: npm run setup asks for it\. Missing:\n/m,
    },
    {
      mistake: "a custom domain stands in wrangler.toml",
      before: () =>
        checkout.write(
          "wrangler.toml",
          `routes = [{ pattern = "a.example.com", custom_domain = true }]\n${checkout.read("wrangler.toml")}`,
        ),
      tells: /wrangler\.toml routes: no custom domains here/,
    },
    {
      mistake: "the host has a DNS record that leads elsewhere",
      before: () => void cloudflare.records.add("claw.example.com"),
      tells: /claw\.example\.com has a DNS record already, which leads elsewhere: delete it in the dashboard/,
      changes: 6,
    },
    {
      mistake: "the host is another Worker's",
      before: () => void cloudflare.domains.set("claw.example.com", "shop"),
      tells: /claw\.example\.com belongs to another Worker, shop: take it away there first/,
    },
  ];
  test.each(mistakes)(
    "$mistake: told in words, exit code 1",
    async ({ env: more = {}, before, tells, changes = 0 }) => {
      before?.();
      const { exitCode, stdout, stderr } = await deploy([], more);
      expect(stderr.replaceAll(/^tidegate: deploying .*\n/gm, "")).toMatch(tells);
      expect(exitCode).toBe(1);
      expect(stderr + stdout).not.toContain("hunter2");
      expect(cloudflare.changes).toHaveLength(changes);
      // Not taken from anybody.
      expect(cloudflare.changes.filter((change) => change.includes("domains"))).toEqual([]);
    },
  );

  test("Access stands in front, the gateway refuses its configuration: told for each host, and the deploy stands", async () => {
    const access = "https://acme.cloudflareaccess.com/cdn-cgi/access/login/claw.example.com";
    internet.sites.set("claw.example.com", (_, response) => void response.writeHead(302, { location: access }).end());
    internet.sites.set("console-claw.example.com", (_, response) => {
      response.writeHead(500, { "x-tidegate-error": "config_invalid" }).end();
    });
    const { exitCode, stdout, stderr } = await deploy();
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      "claw.example.com:  ✗ healthz: Cloudflare Access stands in front of this host: take the host out",
    );
    expect(stdout).toContain(
      "console-claw.example.com:  ✗ healthz: the gateway refuses its configuration, most often a secret",
    );
    expect(stderr).toContain("deployed, but not in order yet");
    expect(uploads()).toHaveLength(2);
  });
});
