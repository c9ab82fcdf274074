/** The whole gateway over the real object: sessions are verified again while they are used, by one at a time. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { Identity, RenewalOutcome } from "../../durable-objects/rpc.ts";
import { oidcSignIn } from "../../worker/oidc/oidc-sign-in.ts";
import type { ProviderSettings } from "../../worker/oidc/provider-settings.ts";
import type { TenantStub } from "../../worker/context.ts";
import { newGateway, ORIGIN } from "../unit/worker/app.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { ISSUER, MemoryProvider, settingsFor } from "./provider.ts";
import { browserOf, bytes, CALLER, signInOf, Tenant } from "./tenant.ts";

const MINUTE_MS = 60_000;
const PAGE = 80;
const TARGET = "/api/chat/media";

let tenant: Tenant;
let agent: FakeAgent;
let provider: MemoryProvider;
let logged: Record<string, string | number>[];
beforeEach(async () => {
  tenant = new Tenant("renewal");
  agent = await dialAgent(tenant.stub, await agentKeys());
  provider = new MemoryProvider();
  logged = [];
});

/** Staff come in, admins of the provider as such. */
function gatewayWith(providers: ProviderSettings[] = [settingsFor()]) {
  const signIn = oidcSignIn({
    providers,
    fetch: provider.fetch,
    decide: ({ groups }) => {
      if (groups.includes("admins")) return { allow: true, role: "admin" };
      return groups.includes("staff") ? { allow: true, role: "user" } : { allow: false, reason: "not_listed" };
    },
  });
  const vars = {
    AUTHSEC_MODE: "oidc",
    STUB_USERS: "",
    OIDC_ISSUER: ISSUER,
    OIDC_CLIENT_ID: "tidegate",
    OIDC_CLIENT_SECRET: "client-secret",
  };
  const object = tenant.stub as unknown as TenantStub;
  return newGateway(vars, { signIn, object, now: Date.now, log: (fields) => logged.push(fields) });
}
type Gateway = ReturnType<typeof gatewayWith>;

/** A session of alice's, as the callback would have started it. @returns its id */
async function signIn(provider = "fake", refreshToken: string | null = "refresh-secret-1"): Promise<string> {
  const more = { issuer: ISSUER, provider, groups: ["staff"], refreshToken };
  const started = await tenant.stub.startSession(CALLER, signInOf("alice", more));
  if (!started.ok) throw new Error(started.code);
  return started.value.session;
}

const cookieOf = (gateway: Gateway, session: string) => gateway.cookie(Date.now() / 1000 + 3_600, session);

/** Lets so much time pass since the provider was asked last. */
async function wait(minutes: number): Promise<void> {
  await tenant.sql(
    "UPDATE sessions SET verified_at = verified_at - ?1, renew_at = renew_at - ?1, lease_until = lease_until - ?1",
    minutes * MINUTE_MS,
  );
  await agent.settled();
  await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
}

/** The agent answers the next `count` requests. */
async function answer(count = 1): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { stream } = await agent.next("open");
    agent.send({ type: "head", stream, head: { status: 200, headers: [] }, body: bytes("hello"), end: true });
  }
}

/** Reads the answer whole: an object with one that nobody has read is not idle, and cannot be evicted. */
async function get(gateway: Gateway, session: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>), cookie: await cookieOf(gateway, session) };
  const response = await gateway.send(TARGET, { ...init, headers });
  if (response.webSocket !== null) return response;
  return new Response(await response.text(), { status: response.status, headers: response.headers });
}

const ended = () => tenant.sql("SELECT ended_reason AS reason FROM sessions");

describe("a session in use", () => {
  test("is not asked about within four minutes, and is after", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    for (const minutes of [0, 3]) {
      await wait(minutes);
      const [response] = await Promise.all([get(gateway, session), answer()]);
      expect([response.status, provider.count("/token")]).toEqual([200, 0]);
    }
    await wait(1);
    const [response] = await Promise.all([get(gateway, session), answer()]);
    expect([response.status, await response.text(), provider.used]).toEqual([200, "hello", ["refresh-secret-1"]]);
  });

  test("makes one call to the token endpoint for a page's eighty requests, and answers them all", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    await wait(5);
    const requests = Array.from({ length: PAGE }, () => get(gateway, session));
    const [responses] = await Promise.all([Promise.all(requests), answer(PAGE)]);
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: PAGE }, () => 200));
    expect(provider.used).toEqual(["refresh-secret-1"]);
  });

  test("uses each rotated token once, across losses of memory", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    for (let n = 0; n < 3; n++) {
      await wait(5);
      await Promise.all([get(gateway, session), answer()]);
    }
    expect(provider.used).toEqual(["refresh-secret-1", "refresh-secret-2", "refresh-secret-3"]);
  });

  test("renews before an upgrade, which goes on", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    await wait(5);
    const pending = get(gateway, session, { headers: { upgrade: "websocket", origin: ORIGIN } });
    const { stream } = await Promise.race([
      agent.next("open"),
      pending.then(async (early) => Promise.reject(new Error(`${early.status} ${await early.text()}`))),
    ]);
    agent.send({ type: "accepted", stream, protocol: "" }, { type: "text", stream, bytes: bytes("hello") });
    expect(await browserOf(await pending, stream).next()).toBe("hello");
    expect(provider.count("/token")).toBe(1);
  });

  test("sends a request with a body back to the same place, and takes it then", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    await wait(5);
    const post = () => get(gateway, session, { method: "POST", body: "once", headers: { origin: ORIGIN } });
    const first = await post();
    expect([first.status, first.headers.get("location"), first.headers.get("cache-control")]).toEqual([
      307,
      TARGET,
      "no-store",
    ]);
    const [second] = await Promise.all([post(), answer()]);
    expect([second.status, provider.count("/token")]).toEqual([200, 1]);
  });

  test("without a refresh token is never asked about", async () => {
    const [gateway, session] = [gatewayWith(), await signIn("fake", null)];
    await wait(500);
    const [response] = await Promise.all([get(gateway, session), answer()]);
    expect([response.status, provider.seen]).toEqual([200, []]);
  });
});

describe("what the provider says now", () => {
  test("a group that was taken away ends the session and its chats, and the token goes back", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    const chat = await tenant.open(agent, session);
    provider.person["groups"] = [];
    await wait(5);
    const response = await get(gateway, session);
    expect([response.status, response.headers.get("x-tidegate-error")]).toEqual([401, "unauthenticated"]);
    expect((await chat.closed).code).toBe(1008);
    expect(await ended()).toEqual([{ reason: "refused_at_renewal" }]);
    await gateway.keepVerified();
    expect(provider.revoked).toEqual(["refresh-secret-2"]);
  });

  test("another role closes the chats, which open again with the scopes of now", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    const chat = await tenant.open(agent, session);
    provider.person["groups"] = ["admins"];
    await wait(5);
    await Promise.all([get(gateway, session), answer()]);
    expect(await chat.closed).toMatchObject({ code: 1012, reason: "role changed" });
    const found = await tenant.stub.findSession(CALLER, session);
    expect(found).toMatchObject({ ok: true, value: { role: "admin" } });
  });

  test("another name reaches the roster", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    provider.person["name"] = "Alice Miller";
    await agent.next("identity");
    await wait(5);
    await Promise.all([get(gateway, session), answer()]);
    expect((await agent.next("identity")).person.name).toBe("Alice Miller");
  });

  test("somebody else ends the session, and UserInfo is not asked", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    provider.person["sub"] = "bob";
    await wait(5);
    expect((await get(gateway, session)).status).toBe(401);
    expect([await ended(), provider.count("/userinfo")]).toEqual([[{ reason: "refused_at_renewal" }], 0]);
  });

  test("a refused token ends the session, and is not revoked again", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    provider.broken.set("/token", { status: 400, body: { error: "invalid_grant" } });
    await wait(5);
    expect((await get(gateway, session)).status).toBe(401);
    await gateway.keepVerified();
    expect([await ended(), provider.revoked]).toEqual([[{ reason: "refused_at_renewal" }], []]);
  });

  test("a provider that configuration no longer names ends its sessions at their next use", async () => {
    const [gateway, session] = [gatewayWith([settingsFor({ id: "other" })]), await signIn()];
    await wait(5);
    expect((await get(gateway, session)).status).toBe(401);
    expect(await ended()).toEqual([{ reason: "refused_at_renewal" }]);
  });

  test("of two providers with one issuer, the one of the sign-in is asked", async () => {
    const secret = (text: string) => ({ method: "client_secret_basic", secret: text }) as const;
    const gateway = gatewayWith([
      settingsFor({ id: "staff", clientId: "staff-client", clientAuth: secret("one") }),
      settingsFor({ id: "fake", clientAuth: secret("two") }),
    ]);
    const session = await signIn();
    await wait(5);
    const [response] = await Promise.all([get(gateway, session), answer()]);
    const asked = provider.seen.find(({ path }) => path === "/token")?.authorization ?? "";
    expect([response.status, atob(asked.replace("Basic ", ""))]).toEqual([200, "tidegate:two"]);
  });
});

describe("a provider that cannot be asked", () => {
  test.each([
    ["/token", { status: 503 }],
    ["/token", { status: 429, body: { error: "slow_down" } }],
    ["/token", { status: 401, body: { error: "invalid_client" } }],
    ["/userinfo", { status: 503 }],
    ["/jwks", { status: 500 }],
    ["/.well-known/openid-configuration", { status: 502 }],
  ])("at %s ends nothing, and is asked again in a minute", async (path, broken) => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    provider.broken.set(path, broken);
    await wait(5);
    for (let n = 0; n < 3; n++) {
      const [response] = await Promise.all([get(gateway, session), answer()]);
      expect(response.status).toBe(200);
    }
    expect([await ended(), provider.count(path)]).toEqual([[{ reason: null }], 1]);
    provider.broken.clear();
    await wait(1);
    await Promise.all([get(gateway, session), answer()]);
    // What was rotated before the rest failed was kept.
    const rotated = path === "/userinfo" || path === "/jwks";
    expect(provider.used.at(-1)).toBe(rotated ? "refresh-secret-2" : "refresh-secret-1");
    expect(provider.count("/userinfo")).toBe(path === "/userinfo" ? 2 : 1);
  });

  test("for an hour ends the session", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    provider.broken.set("/token", { status: 503 });
    for (const [minutes, status] of [
      [59, 200],
      [1, 401],
    ] as const) {
      await wait(minutes);
      const requests: Promise<unknown>[] = [get(gateway, session)];
      if (status === 200) requests.push(answer());
      const [response] = (await Promise.all(requests)) as [Response];
      expect(response.status).toBe(status);
    }
    expect(await ended()).toEqual([{ reason: "unverified" }]);
  });
});

describe("the scheduled run", () => {
  test("verifies sessions that only listen, and no others", async () => {
    const gateway = gatewayWith();
    const [listening] = [await signIn(), await signIn()];
    await tenant.open(agent, listening);
    await wait(5);
    await gateway.keepVerified();
    await gateway.keepVerified();
    expect(provider.used).toEqual(["refresh-secret-1"]);
  });

  test("ends one that may not come in any more", async () => {
    const gateway = gatewayWith();
    const chat = await tenant.open(agent, await signIn());
    provider.person["groups"] = [];
    await wait(5);
    await gateway.keepVerified();
    expect((await chat.closed).code).toBe(1008);
  });

  test("costs a tenant with nothing to do one call", async () => {
    const gateway = gatewayWith();
    await tenant.open(agent, await signIn());
    await gateway.keepVerified();
    expect([gateway.calls.objects, provider.seen]).toEqual([1, []]);
  });

  test("does not count as use: a chat that only listens ends idle", async () => {
    const gateway = gatewayWith();
    await tenant.open(agent, await signIn());
    await tenant.sql("UPDATE sessions SET last_seen_at = last_seen_at - 100000");
    await wait(5);
    const seen = "SELECT last_seen_at FROM sessions";
    const before = await tenant.sql(seen);
    await gateway.keepVerified();
    expect([await tenant.sql(seen), provider.count("/token")]).toEqual([before, 1]);
  });
});

describe("the lease", () => {
  test("survives a loss of memory: who comes meanwhile waits, and finds it done", async () => {
    const session = await signIn();
    await wait(5);
    const first = await tenant.stub.beginRenewal(CALLER, { id: session });
    if (!first.ok || first.value === null) throw new Error("no renewal");
    await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
    const second = tenant.stub.beginRenewal(CALLER, { id: session });
    const { issuer, subject, lease } = first.value;
    const identity: Identity = { issuer, subject, email: null, name: null, groups: [], role: "user" };
    const outcome: RenewalOutcome = { type: "verified", identity, refreshToken: "refresh-2" };
    expect(await tenant.stub.finishRenewal(CALLER, lease, outcome)).toEqual({ ok: true, value: null });
    expect(await second).toEqual({ ok: true, value: null });
    expect(await tenant.stub.finishRenewal(CALLER, lease, outcome)).toEqual({ ok: false, code: "lease_lost" });
  });

  test("ends by itself when whoever had it is gone", async () => {
    const session = await signIn();
    await wait(5);
    await tenant.stub.beginRenewal(CALLER, { id: session });
    await wait(1);
    const again = await tenant.stub.beginRenewal(CALLER, { id: session });
    expect(again).toMatchObject({ ok: true, value: { refreshToken: "refresh-secret-1" } });
  });

  test("of a session that ends meanwhile is lost, and the token that took its place is revoked", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    await wait(5);
    provider.atToken = () => tenant.stub.endSession(CALLER, session, "revoked");
    expect((await get(gateway, session)).headers.get("x-tidegate-error")).toBe("session_revoked");
    expect(provider.revoked).toEqual(["refresh-secret-2"]);
  });
});

describe("a refresh token", () => {
  test("stands in no row, log line, or answer as it is", async () => {
    const [gateway, session] = [gatewayWith(), await signIn()];
    const answers: string[] = [];
    for (const broken of [null, { status: 503 }, { status: 400, body: { error: "invalid_grant" } }]) {
      if (broken !== null) provider.broken.set("/token", broken);
      await wait(5);
      const [response] = await Promise.all([get(gateway, session), ...(broken?.status === 400 ? [] : [answer()])]);
      answers.push(JSON.stringify([...response.headers]) + (await response.text()));
    }
    await tenant.stub.endSession(CALLER, await signIn(), "signed_out");
    const rows = [];
    for (const table of ["sessions", "revocations", "audit", "meta", "people"]) {
      rows.push(...(await tenant.sql(`SELECT * FROM ${table}`)));
    }
    const stored = rows.flatMap(Object.values).map((value) => {
      return value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : String(value);
    });
    expect([...stored, ...answers, JSON.stringify(logged)].filter((text) => text.includes("refresh-secret"))).toEqual(
      [],
    );
    expect(logged.map(({ event }) => event)).toContain("renewal.refused");
  });

  test("opens for its own session only, and ends it when it does not open", async () => {
    const [mine, other] = [await signIn(), await signIn("fake", "refresh-secret-other")];
    const [first, second] = await tenant.sql<{ id_hash: string; refresh_token: ArrayBuffer }>(
      "SELECT id_hash, refresh_token FROM sessions ORDER BY created_at",
    );
    await tenant.sql(
      "UPDATE sessions SET refresh_token = (SELECT refresh_token FROM sessions WHERE id_hash = ?) WHERE id_hash = ?",
      first!.id_hash,
      second!.id_hash,
    );
    await wait(5);
    const begun = await Promise.all([mine, other].map((id) => tenant.stub.beginRenewal(CALLER, { id })));
    expect(begun.filter((result) => result.ok && result.value !== null)).toHaveLength(1);
    expect((await ended()).filter(({ reason }) => reason === "unverified")).toHaveLength(1);
  });

  test("of an ended session is handed out once", async () => {
    const session = await signIn();
    await tenant.stub.endSession(CALLER, session, "signed_out");
    const token = { issuer: ISSUER, provider: "fake", refreshToken: "refresh-secret-1" };
    expect(await tenant.stub.takeSpentTokens(CALLER, 10)).toEqual({ ok: true, value: [token] });
    expect(await tenant.stub.takeSpentTokens(CALLER, 10)).toEqual({ ok: true, value: [] });
  });
});

describe("a provider's logout", () => {
  const token = (more: object) => ({ issuer: ISSUER, subject: null, providerSessionId: null, tokenId: "t", ...more });

  test("is good once, also after a loss of memory", async () => {
    await signIn();
    const logout = token({ subject: "alice" });
    expect(await tenant.stub.providerLogout(CALLER, logout)).toEqual({ ok: true, value: { sessions: 1 } });
    await signIn();
    await agent.settled();
    await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
    expect(await tenant.stub.providerLogout(CALLER, logout)).toEqual({ ok: false, code: "replayed" });
    expect((await ended()).filter(({ reason }) => reason === null)).toHaveLength(1);
  });

  test("names a session before a subject, and nobody of another issuer", async () => {
    for (const sid of ["s-1", "s-2"]) {
      await tenant.session("alice", { issuer: ISSUER, providerSessionId: sid });
    }
    const other = token({ issuer: "https://other.example", subject: "alice", tokenId: "t-1" });
    expect(await tenant.stub.providerLogout(CALLER, other)).toEqual({ ok: true, value: { sessions: 0 } });
    const both = token({ subject: "alice", providerSessionId: "s-1", tokenId: "t-2" });
    expect(await tenant.stub.providerLogout(CALLER, both)).toEqual({ ok: true, value: { sessions: 1 } });
  });
});
