/** `npm run rollback` and `npm run destroy` with the real wrangler, against a stand-in that holds a deployment already. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Checkout } from "../support/checkout.ts";
import { CloudflareStandIn, TOKEN, type Script, type Version } from "../support/cloudflare-api.ts";

// Each test runs the real wrangler several times: seconds on a quiet machine, minutes on a busy one.
vi.setConfig({ testTimeout: 600_000 });

let folder: string;
let checkout: Checkout;
let cloudflare: CloudflareStandIn;

const version = (id: string, migrationTag: string | null = null): Version => ({
  id,
  at: "2026-11-01T00:00:00.000Z",
  bindings: [],
  migrationTag,
  annotations: {},
});
const script = (...versions: Version[]): Script => ({ versions, deployed: versions.map(({ id }) => id) });

beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "tidegate-rollback-"))));
beforeEach(async () => {
  checkout = new Checkout(mkdtempSync(join(folder, "checkout-")));
  checkout.writeTenants([{ id: "claw", hosts: ["claw.example.com"], consoleHost: "console-claw.example.com" }]);
  cloudflare = await CloudflareStandIn.start();
  cloudflare.scripts.set("tidegate-gateway", script(version("g1"), version("g2"), version("g3")));
  cloudflare.scripts.set("tidegate-tenant", script(version("t1", "v1"), version("t2", "v2"), version("t3", "v2")));
  cloudflare.domains.set("claw.example.com", "tidegate-gateway");
});
afterEach(() => {
  cloudflare.stop();
  expect(cloudflare.unknown).toEqual([]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (task: string, args: string[] = [], input = "") =>
  checkout.run(task, args, { CLOUDFLARE_API_BASE_URL: cloudflare.url, CLOUDFLARE_API_TOKEN: TOKEN }, input);

describe("rollback", () => {
  test("brings the gateway back to the version before, and touches nothing else", async () => {
    const { exitCode, stdout } = await run("rollback");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("tidegate-gateway is at g2; npm run deploy goes forward again");
    expect(cloudflare.changes).toEqual(["POST /scripts/tidegate-gateway/deployments"]);
    expect(cloudflare.running("tidegate-gateway")?.id).toBe("g2");
    expect(cloudflare.running("tidegate-tenant")?.id).toBe("t3");
  });

  test("brings the tenant script back only when asked for", async () => {
    expect((await run("rollback", ["--tenant"])).exitCode).toBe(0);
    expect(cloudflare.changes).toEqual(["POST /scripts/tidegate-tenant/deployments"]);
    expect(cloudflare.running("tidegate-tenant")?.id).toBe("t2");
  });

  test.each<[string, string[], () => void, string]>([
    [
      "over a migration of the objects",
      ["--tenant", "t1"],
      () => undefined,
      "t1 is of another migration of the objects (v1, now v2): its code does not know what is stored",
    ],
    [
      "where there is nothing before",
      [],
      () => cloudflare.scripts.set("tidegate-gateway", script(version("g1"))),
      "tidegate-gateway has no version before this one",
    ],
    ["to where it is", ["g3"], () => undefined, "tidegate-gateway is at g3 already"],
  ])("refuses to go back %s", async (_, args, before, text) => {
    before();
    const { exitCode, stderr } = await run("rollback", args);
    expect(stderr).toContain(text);
    expect(exitCode).toBe(1);
    expect(cloudflare.changes).toEqual([]);
  });
});

describe("destroy", () => {
  const deletions = ["DELETE /services/tidegate-gateway", "DELETE /services/tidegate-tenant"];

  test("tells what is lost and how to keep some of it, waits for the host name, and takes the gateway first", async () => {
    const { exitCode, stdout } = await run("destroy", [], "claw.example.com\n");
    expect(stdout).toMatchInlineSnapshot(`
      "This ends https://claw.example.com and deletes everything that is stored:
        sessions, people, enrolled agents, the audit trail; nothing of it can be brought back.
      Chats and files of OpenClaw are on its own computer, and stay.
      To keep, before: who was there and who is
        npm run tidegate -- sign-in https://console-claw.example.com
        npm run -s tidegate -- people list --json > people.json; npm run -s tidegate -- sessions list --json > sessions.json
      The audit trail is lost with it. To keep it: npm run -s tidegate -- audit export > audit.jsonl
        ✓ tidegate-gateway deleted
        ✓ tidegate-tenant deleted
      Left: the client at your provider, config/tenants.json, and every agent (tidegate-agent uninstall on its computer)
      "
    `);
    expect(exitCode).toBe(0);
    expect(cloudflare.changes).toEqual(deletions);
  });

  test.each<[string, string[], string]>([
    ["another host is typed", [], "claw.example.org\n"],
    ["nothing is typed", [], "\n"],
    ["nobody is there", [], ""],
    ["--yes says another host", ["--yes", "console-claw.example.com"], ""],
  ])("deletes nothing when %s", async (_, args, input) => {
    expect((await run("destroy", args, input)).exitCode).toBe(1);
    expect(cloudflare.changes).toEqual([]);
  });

  test("killed after the gateway, a second run takes the rest; a third finds nothing", async () => {
    const { reached } = cloudflare.holdNext(
      ({ method, path }) => method === "DELETE" && path.includes("tidegate-tenant"),
    );
    const first = checkout.start("destroy", ["--yes", "claw.example.com"], {
      CLOUDFLARE_API_BASE_URL: cloudflare.url,
      CLOUDFLARE_API_TOKEN: TOKEN,
    });
    await reached;
    await first.kill();
    cloudflare.forget();
    expect((await run("destroy", ["--yes", "claw.example.com"])).exitCode).toBe(0);
    expect(cloudflare.changes).toEqual(deletions.slice(1));
    expect((await run("destroy", ["--yes", "claw.example.com"])).stdout).toContain("neither script is at Cloudflare");
  });
});
