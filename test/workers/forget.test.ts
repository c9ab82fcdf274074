/** An administrator forgets a person: sessions end, storage holds nothing of them but the audit, the agent is told. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import type { Identity } from "../../durable-objects/rpc.ts";
import { personKey } from "../../durable-objects/people/person-store.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { CALLER, signInOf, Tenant } from "./tenant.ts";

const ISSUER = "https://id.example";

let tenant: Tenant;
let keys: Awaited<ReturnType<typeof agentKeys>>;
let agent: FakeAgent;
let alice: string;
let bobKey: string;
beforeEach(async () => {
  tenant = new Tenant("forget");
  keys = await agentKeys();
  agent = await dialAgent(tenant.stub, keys);
  alice = await tenant.session("alice", { role: "admin", kind: "console" });
  bobKey = await personKey(ISSUER, "bob");
});

const bob = (more = {}) => tenant.session("bob", { issuer: ISSUER, refreshToken: "bob-refresh", ...more });
/** Calls that the object takes in one after the other, before it goes on with any of them. */
const inOneEvent = (calls: (object: TenantObject) => Promise<{ ok: boolean }>[]) =>
  runInDurableObject(tenant.stub, (object: TenantObject) => Promise.all(calls(object)));
const forget = (person = bobKey) => tenant.stub.forgetPerson(CALLER, alice, person);
const refusal = async (session: string) => (await tenant.get(session)).headers.get("x-tidegate-error");

/** Everything that storage holds but the audit, as text. */
async function stored(): Promise<string> {
  const tables = await tenant.sql<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name <> 'audit'",
  );
  const rows = await Promise.all(tables.map(({ name }) => tenant.sql(`SELECT * FROM ${name}`)));
  return JSON.stringify(rows, (_key, value) => (value instanceof ArrayBuffer ? "sealed" : value));
}

async function rosterVersion(): Promise<number> {
  const [row] = await tenant.sql<{ value: string }>("SELECT value FROM meta WHERE name = 'roster_version'");
  return Number(row?.value);
}

async function loseMemory(): Promise<void> {
  await agent.settled();
  await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
}

describe.each(["awake", "asleep"])("with the object %s", (state) => {
  test("sessions of every kind end at once with what they have open, and the agent hears FORGET", async () => {
    const [first, second, atConsole] = [await bob(), await bob(), await bob({ kind: "console" })];
    const other = await tenant.session("carol");
    const chats = [await tenant.open(agent, first), await tenant.open(agent, second)];
    const others = await tenant.open(agent, other);
    if (state === "asleep") await loseMemory();
    const downloading = tenant.get(first);
    await agent.next("open");

    const before = await rosterVersion();
    expect(await forget()).toEqual({ ok: true, value: { sessions: 3 } });

    for (const chat of chats) expect(await chat.closed).toEqual({ code: 1008, reason: "session ended" });
    expect((await downloading).headers.get("x-tidegate-error")).toBe("session_expired");
    const told = await agent.next("forget");
    expect(told.person).toBe(bobKey);
    for (const session of [first, second]) expect(await refusal(session)).toBe("session_revoked");
    expect(await tenant.stub.whoActs(CALLER, atConsole)).toEqual({ ok: false, code: "session_revoked" });
    others.socket.send("still here");
    expect(new TextDecoder().decode((await agent.next("text")).bytes)).toBe("still here");
    // Their sockets' closing is no news of a person any more.
    await agent.settled();
    expect([told.version, await rosterVersion()]).toEqual([before + 1, before + 1]);
  });
});

test("storage keeps nothing that says who they were, and the audit says who did it", async () => {
  const words = ["bob", "Bobby", "203.0.113.7", "Bob's browser", "bob-staff", "sid-bob", bobKey];
  const more = {
    name: "Bobby",
    clientAddress: "203.0.113.7",
    userAgent: "Bob's browser",
    groups: ["bob-staff"],
    providerSessionId: "sid-bob",
  };
  const [live, left, expired] = [await bob(more), await bob(more), await bob({ ...more, role: "admin" })];
  await tenant.stub.endSession(CALLER, left, "signed_out");
  await tenant.stub.endSession(CALLER, expired, "expired");
  const before = await stored();
  for (const word of words) expect(before).toContain(word);

  await forget();

  const after = await stored();
  for (const word of words) expect(after).not.toContain(word);
  await loseMemory();
  expect(await refusal(live)).toBe("session_revoked");
  for (const session of [left, expired]) expect(await refusal(session)).toBe("session_unknown");
  expect(await tenant.stub.findFormerSession(CALLER, expired)).toEqual({ ok: false, code: "session_unknown" });
  const [event] = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'admin.person_forgotten'");
  expect(JSON.parse(event!.json)).toMatchObject({
    person: bobKey,
    actor: await personKey("stub", "alice"),
    sessions: 1,
  });
});

test("their refresh tokens are handed out to be revoked, and are gone then", async () => {
  await bob();
  await forget();
  const spent = await tenant.stub.takeSpentTokens(CALLER, 10);
  expect(spent).toMatchObject({ ok: true, value: [{ issuer: ISSUER, refreshToken: "bob-refresh" }] });
  expect(await stored()).not.toContain("sealed");
});

test("an administrator's enrolment tokens are good for nothing, and their agents stay", async () => {
  const console_ = await bob({ role: "admin", kind: "console" });
  const offer = { publicKey: "k".repeat(43), name: "laptop" };
  await tenant.stub.decideEnrolment(CALLER, console_, offer, "approve");
  const made = await tenant.stub.startEnrolmentToken(CALLER, console_);
  if (!made.ok) throw new Error(made.code);
  await forget();
  const late = await tenant.stub.enrolByToken(CALLER, made.value.id, { ...offer, publicKey: "l".repeat(43) });
  expect(late).toEqual({ ok: false, code: "token_used" });
  const agents = await tenant.stub.listAgents(CALLER, alice);
  expect(agents).toMatchObject({ ok: true, value: [{ name: "laptop", enrolledBy: null }] });
});

describe("the agent", () => {
  test("that is away gets a roster without them on its next link, also after a loss of memory", async () => {
    await bob();
    agent.socket.close(1001);
    await agent.closed;
    await forget();
    await evictDurableObject(tenant.stub);
    const next = await dialAgent(tenant.stub, keys, { boot: 1, attempt: 2 });
    const { people } = await next.next("roster");
    expect(people.map(({ email }) => email)).toEqual(["alice@example.com"]);
  });

  test.each([
    ["hears FORGET on the link that it resumes", false, "forget"],
    ["gets a roster when the object's memory of FORGET was lost", true, "roster"],
  ] as const)("whose connection was cut %s", async (_name, lost, frame) => {
    await bob();
    await agent.next("roster");
    for (let n = 0; n < 2; n++) await agent.next("identity");
    await agent.settled();
    agent.socket.close(1000);
    await agent.closed;
    await forget();
    if (lost) await tenant.crash();
    const next = await dialAgent(tenant.stub, keys, { boot: 1, attempt: 2 }, agent);
    const told = await next.next(frame);
    if (told.type === "roster") expect(told.people.map(({ user }) => user)).toEqual(["alice@example.com"]);
    else expect(told.person).toBe(bobKey);
  });
});

describe("who may", () => {
  test("not somebody themselves: it would bring everything back at their next click", async () => {
    const own = await personKey("stub", "alice");
    expect(await forget(own)).toEqual({ ok: false, code: "not_yourself" });
    expect(await tenant.stub.whoActs(CALLER, alice)).toMatchObject({ ok: true });
  });

  test("nobody who is no administrator; the audit tells of the try", async () => {
    const session = await bob();
    const carol = await tenant.session("carol", { kind: "console" });
    const tried = await tenant.stub.forgetPerson(CALLER, carol, bobKey);
    expect(tried).toEqual({ ok: false, code: "forbidden_by_role" });
    expect(await tenant.stub.findPerson(CALLER, carol, bobKey)).toEqual({ ok: false, code: "forbidden_by_role" });
    expect(await tenant.stub.findSession(CALLER, session)).toMatchObject({ ok: true });
    const refused = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'admin.refused'");
    expect(refused.map(({ json }) => (JSON.parse(json) as { act: string }).act)).toEqual([
      "people.forget",
      "people.list",
    ]);
  });

  test("whoever is not there is told as such, also the second time", async () => {
    await bob();
    expect(await tenant.stub.findPerson(CALLER, alice, bobKey)).toMatchObject({ value: { email: "bob@example.com" } });
    await forget();
    expect(await forget()).toEqual({ ok: false, code: "person_unknown" });
    expect(await tenant.stub.findPerson(CALLER, alice, bobKey)).toEqual({ ok: false, code: "person_unknown" });
  });
});

test("an address that changed hands is free for its new holder, who is somebody new; the audit named the old one", async () => {
  const former = await bob();
  await tenant.stub.noticeSeen(CALLER, former);
  const recycled = { issuer: ISSUER, email: "bob@example.com" };
  const refused = await tenant.stub.startSession(CALLER, signInOf("robert", recycled));
  expect(refused).toEqual({ ok: false, code: "identity_conflict" });
  const [conflict] = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'identity.conflict'");
  const { holder } = JSON.parse(conflict!.json) as { holder: string };
  expect(holder).toBe(bobKey);

  await forget(holder);

  const started = await tenant.stub.startSession(CALLER, signInOf("robert", recycled));
  expect(started).toMatchObject({ ok: true, value: { notice: true } });
  // And whose it was is held up in turn.
  const back = await tenant.stub.startSession(CALLER, signInOf("bob", recycled));
  expect(back).toEqual({ ok: false, code: "identity_conflict" });
});

test("who signs in again is there for the first time", async () => {
  await tenant.stub.noticeSeen(CALLER, await bob());
  await forget();
  const again = await tenant.stub.startSession(CALLER, signInOf("bob", { issuer: ISSUER }));
  expect(again).toMatchObject({ ok: true, value: { notice: true } });
  const { version } = await agent.next("forget");
  let told = await agent.next("identity");
  while (told.version <= version) told = await agent.next("identity");
  expect(told.person.user).toBe("bob@example.com");
});

describe("what is under way", () => {
  test("a request and an upgrade that wait for the agent are refused, not let through", async () => {
    const session = await bob();
    agent.socket.close(1001);
    await agent.closed;
    await agent.settled();
    const held = [tenant.get(session), tenant.upgrade(session)];
    await forget();
    for (const response of await Promise.all(held)) {
      expect(response.headers.get("x-tidegate-error")).toBe("session_revoked");
    }
  });

  test("a renewal brings nobody back, and the token that it brought is the Worker's to revoke", async () => {
    const session = await bob();
    await tenant.sql("UPDATE sessions SET renew_at = 1 WHERE person = ?", bobKey);
    await loseMemory();
    const begun = await tenant.stub.beginRenewal(CALLER, { id: session });
    if (!begun.ok || begun.value === null) throw new Error("no renewal");
    const waiting = tenant.get(session);
    await forget();
    const { issuer, subject, lease } = begun.value;
    const identity: Identity = { issuer, subject, email: "bob@example.com", name: null, groups: [], role: "user" };
    const outcome = { type: "verified", identity, refreshToken: "rotated" } as const;
    expect(await tenant.stub.finishRenewal(CALLER, lease, outcome)).toEqual({ ok: false, code: "lease_lost" });
    expect((await waiting).headers.get("x-tidegate-error")).toBe("session_revoked");
    expect(await tenant.sql("SELECT key FROM people WHERE key = ?", bobKey)).toEqual([]);
  });

  test("a renewal whose new token is just being sealed brings nobody back either", async () => {
    const session = await bob();
    await tenant.sql("UPDATE sessions SET renew_at = 1 WHERE person = ?", bobKey);
    await loseMemory();
    const begun = await tenant.stub.beginRenewal(CALLER, { id: session });
    if (!begun.ok || begun.value === null) throw new Error("no renewal");
    const { issuer, subject, lease } = begun.value;
    const identity: Identity = { issuer, subject, email: "bob@example.com", name: null, groups: [], role: "user" };
    const finished = inOneEvent((object) => [
      object.finishRenewal(CALLER, lease, { type: "verified", identity, refreshToken: "rotated" }),
      object.forgetPerson(CALLER, alice, bobKey),
    ]);
    expect(await finished).toEqual([
      { ok: false, code: "lease_lost" },
      { ok: true, value: { sessions: 1 } },
    ]);
    expect(await tenant.sql("SELECT key FROM people WHERE key = ?", bobKey)).toEqual([]);
  });

  test("a sign-in that began before is refused, and nobody else's is", async () => {
    await bob();
    const [signIn, others, forgotten] = await inOneEvent((object) => [
      object.startSession(CALLER, signInOf("bob", { issuer: ISSUER, refreshToken: "new" })),
      object.startSession(CALLER, signInOf("carol")),
      object.forgetPerson(CALLER, alice, bobKey),
    ]);
    expect([signIn, others?.ok, forgotten?.ok]).toEqual([{ ok: false, code: "session_revoked" }, true, true]);
    expect(await tenant.sql("SELECT key FROM people WHERE key = ?", bobKey)).toEqual([]);
  });
});
