/** What one person may use, and what it leaves the others. */
import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { RESET_CODES } from "#protocol/errors.ts";
import { DEFAULT_SETTINGS, type TenantSettings } from "../../durable-objects/tenant-settings.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { signInOf, Tenant } from "./tenant.ts";

const few = { burst: 2, perSecond: 1 };

let tenant: Tenant;
let agent: FakeAgent;
beforeEach(async () => {
  tenant = new Tenant("limits");
  limit({});
  agent = await dialAgent(tenant.stub, await agentKeys());
});

function limit(limits: Partial<TenantSettings["limits"]>, policy: TenantSettings["policy"] = []): void {
  tenant.settings = JSON.stringify({ ...DEFAULT_SETTINGS, limits: { ...DEFAULT_SETTINGS.limits, ...limits }, policy });
}

async function answered(pending: Promise<Response>): Promise<number> {
  const { stream } = await agent.next("open");
  agent.send({ type: "head", stream, head: { status: 200, headers: [] }, body: new Uint8Array(), end: true });
  return (await pending).status;
}

describe("requests", () => {
  test("of all sessions of a person together are bounded, and another person's are not touched", async () => {
    limit({ requests: few });
    const [desk, phone, bob] = [
      await tenant.session("alice"),
      await tenant.session("alice"),
      await tenant.session("bob"),
    ];
    expect(await answered(tenant.get(desk))).toBe(200);
    expect(await answered(tenant.get(phone))).toBe(200);
    const refused = await tenant.get(desk);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("ratelimit-policy")).toBe('"requests";q=2;w=2');
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ status: 429, type: "urn:tidegate:problem:rate_limited" });
    expect(await answered(tenant.get(bob))).toBe(200);
  });

  test("that policy refuses fill the audit with one row, not with thousands", async () => {
    limit({}, [{ class: "ui", roles: ["admin"] }]);
    const session = await tenant.session("alice");
    for (let asked = 0; asked < 50; asked++) expect((await tenant.get(session)).status).toBe(403);
    const rows = await runInDurableObject(tenant.stub, (_object, state) =>
      Number(state.storage.sql.exec("SELECT COUNT(*) AS n FROM audit WHERE type = 'request.refused'").one()["n"]),
    );
    expect(rows).toBe(1);
  });
});

describe("a body", () => {
  test("that never said its length ends at the bound, at both ends", async () => {
    limit({ bodyBytes: 100_000 });
    const session = await tenant.session("alice");
    const body = new Response(new Uint8Array(100_001)).body;
    const pending = tenant.get(session, { method: "POST", body });
    const { stream } = await agent.next("open");
    const reset = await agent.next("reset");
    expect([reset.stream, reset.code]).toEqual([stream, RESET_CODES.too_large]);
    const refused = await pending;
    expect([refused.status, refused.headers.get("x-tidegate-error")]).toEqual([413, "too_large"]);
  });
});

describe("sockets", () => {
  test("of one person are capped; when one closes there is room for another", async () => {
    limit({ socketsPerPerson: 2 });
    const [desk, phone] = [await tenant.session("alice"), await tenant.session("alice")];
    const first = await tenant.open(agent, desk);
    await tenant.open(agent, phone);
    const refused = await tenant.upgrade(desk);
    expect([refused.status, refused.headers.get("x-tidegate-error")]).toEqual([429, "too_many_sockets"]);
    await refused.text();
    await tenant.open(agent, await tenant.session("bob"));
    first.socket.close(1000, "bye");
    await agent.next("close");
    await tenant.open(agent, desk);
  });

  test("that flood are closed with a reason, and another person's chat goes on", async () => {
    limit({ messages: few });
    const flooding = await tenant.open(agent, await tenant.session("alice"));
    const quiet = await tenant.open(agent, await tenant.session("bob"));
    for (let sent = 0; sent < 10; sent++) flooding.socket.send(`message ${sent}`);
    expect(await flooding.closed).toMatchObject({ code: 1008, reason: "too many messages" });
    quiet.socket.send("still here");
    for (;;) {
      const { stream, bytes } = await agent.next("text");
      if (stream === quiet.stream) {
        expect(new TextDecoder().decode(bytes)).toBe("still here");
        break;
      }
    }
  });
});

describe("sign-ins", () => {
  const signIn = (subject: string, clientAddress: string) =>
    tenant.stub.startSession(
      { tenant: "default", settings: tenant.settings },
      signInOf(subject, { issuer: "stub", clientAddress }),
    );
  const codes = async (count: number, each: (at: number) => ReturnType<typeof signIn>) => {
    const told = new Set<string>();
    for (let at = 0; at < count; at++) {
      const started = await each(at);
      told.add(started.ok ? "ok" : started.code);
    }
    return told;
  };

  test("of one address to many accounts are stopped, also when it changes within its /64", async () => {
    expect(await codes(100, (at) => signIn(`person${at}`, `2001:db8:1:2::${at.toString(16)}`))).toContain(
      "rate_limited",
    );
    expect((await signIn("carol", "2001:db8:1:3::1")).ok).toBe(true);
  });

  test("of many addresses to one account are stopped, and the session that there is goes on", async () => {
    const alice = await tenant.session("alice");
    expect(await codes(40, (at) => signIn("alice", `198.51.100.${at}`))).toContain("rate_limited");
    expect(await answered(tenant.get(alice))).toBe(200);
    expect((await signIn("bob", "203.0.113.1")).ok).toBe(true);
  });
});
