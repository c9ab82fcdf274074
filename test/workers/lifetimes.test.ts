/** How long a session lasts: by role, by use, and by what the tenant document says now. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import type { SessionView } from "../../durable-objects/rpc.ts";
import { DEFAULT_SETTINGS, type Lifetime } from "../../durable-objects/tenant-settings.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { signInOf, Tenant } from "./tenant.ts";

/** Says nothing new: what a test has said holds. */
const CALLER = { tenant: "default", settings: "" };
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let tenant: Tenant;
let agent: FakeAgent;
beforeEach(async () => {
  tenant = new Tenant("lifetimes");
  tenant.settings = CALLER.settings;
  agent = await dialAgent(tenant.stub, await agentKeys());
});

function settings(more: Record<string, Lifetime>): string {
  return JSON.stringify({ ...DEFAULT_SETTINGS, lifetimes: { ...DEFAULT_SETTINGS.lifetimes, ...more } });
}

async function view(session: string, caller = CALLER): Promise<SessionView> {
  const found = await tenant.stub.findSession(caller, session);
  if (!found.ok) throw new Error(found.code);
  return found.value;
}

const code = async (session: string) => (await tenant.get(session)).headers.get("x-tidegate-error");
const alarmAt = () => runInDurableObject(tenant.stub, (_object, { storage }) => storage.getAlarm());

/** Moves a session into the past, as if nothing had happened in it for so long. */
async function leaveAlone(ms: number): Promise<void> {
  await tenant.sql(
    `UPDATE sessions SET created_at = created_at - ?1, last_seen_at = last_seen_at - ?1, expires_at = expires_at - ?1,
       due_at = due_at - ?1`,
    ms,
  );
  await agent.settled();
  await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
}

test("each role has its own limits, from its sign-in on", async () => {
  const caller = { ...CALLER, settings: settings({ admin: { idleSeconds: 900, absoluteSeconds: 3_600 } }) };
  await tenant.stub.findSession(caller, "unknown");
  const admin = await view(await tenant.session("alice", { role: "admin" }));
  expect([admin.expiresAt - admin.createdAt, admin.idleExpiresAt - admin.lastSeenAt]).toEqual([HOUR_MS, 900_000]);
  const user = await view(await tenant.session("bob"));
  expect([user.expiresAt - user.createdAt, user.idleExpiresAt - user.lastSeenAt]).toEqual([24 * HOUR_MS, 8 * HOUR_MS]);
  expect(await alarmAt()).toBe(admin.idleExpiresAt);
});

test("the cookie's expiry is the session's", async () => {
  const caller = { ...CALLER, settings: settings({ user: { idleSeconds: 900, absoluteSeconds: 7_200 } }) };
  const started = await tenant.stub.startSession(caller, signInOf("carol"));
  if (!started.ok) throw new Error(started.code);
  const { createdAt } = await view(started.value.session);
  expect(started.value.expiresAt).toBe(createdAt + 2 * HOUR_MS);
});

test("a limit that is shortened ends open sessions that are past it, at the next call of anybody", async () => {
  const [old, young] = [await tenant.session("alice"), await tenant.session("bob")];
  const [oldChat, youngChat] = [await tenant.open(agent, old), await tenant.open(agent, young)];
  await tenant.sql("UPDATE sessions SET created_at = created_at - ? WHERE email LIKE 'alice%'", 2 * HOUR_MS);
  await agent.settled();
  await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
  const caller = { ...CALLER, settings: settings({ user: { idleSeconds: 1_800, absoluteSeconds: 3_600 } }) };
  const now = await view(young, caller);
  expect((await oldChat.closed).code).toBe(1008);
  expect(await code(old)).toBe("session_expired");
  expect([now.expiresAt - now.createdAt, now.idleExpiresAt - now.lastSeenAt]).toEqual([HOUR_MS, 1_800_000]);
  expect(await alarmAt()).toBe(now.idleExpiresAt);
  youngChat.socket.send("still here");
  await agent.next("text");
});

test("another role's limits hold in every session of the person", async () => {
  const caller = { ...CALLER, settings: settings({ admin: { idleSeconds: 900, absoluteSeconds: 3_600 } }) };
  const first = await tenant.session("alice");
  await tenant.session("alice", { role: "admin" });
  const { role, expiresAt, createdAt } = await view(first, caller);
  expect([role, expiresAt - createdAt]).toEqual(["admin", HOUR_MS]);
});

test("a chat that stands open unused ends with its session; one message keeps it, also after a loss of memory", async () => {
  const [used, unused] = [await tenant.session("alice"), await tenant.session("bob")];
  const [usedChat, unusedChat] = [await tenant.open(agent, used), await tenant.open(agent, unused)];
  await leaveAlone(8 * HOUR_MS - MINUTE_MS);
  usedChat.socket.send("I am here");
  await agent.next("text");
  await leaveAlone(2 * MINUTE_MS);
  expect(await runDurableObjectAlarm(tenant.stub)).toBe(true);
  expect((await unusedChat.closed).code).toBe(1008);
  usedChat.socket.send("still here");
  expect(await agent.next("text")).toMatchObject({ stream: usedChat.stream });
});

test("pings are no use", async () => {
  const chat = await tenant.open(agent, await tenant.session("alice"));
  await leaveAlone(HOUR_MS);
  const [before] = await tenant.sql("SELECT last_seen_at FROM sessions");
  chat.socket.send("ping");
  expect(await chat.next()).toBe("pong");
  expect(await tenant.sql("SELECT last_seen_at FROM sessions")).toEqual([before]);
});

test("use is written at most once a minute", async () => {
  const chat = await tenant.open(agent, await tenant.session("alice"));
  await leaveAlone(HOUR_MS);
  chat.socket.send("written down");
  await agent.next("text");
  const written = "SELECT last_seen_at, due_at - last_seen_at AS idle FROM sessions";
  const [first] = await tenant.sql(written);
  expect(first).toMatchObject({ idle: 8 * HOUR_MS });
  // Half a minute later: nothing is written, not even after a loss of memory.
  await leaveAlone(MINUTE_MS / 2);
  const before = await tenant.sql(written);
  chat.socket.send("not written down");
  await agent.next("text");
  expect(await tenant.sql(written)).toEqual(before);
});

test("a message that comes after the end, but before the alarm, is not relayed", async () => {
  const chat = await tenant.open(agent, await tenant.session("alice"));
  await leaveAlone(9 * HOUR_MS);
  chat.socket.send("too late");
  expect((await chat.closed).code).toBe(1008);
  const heard = await agent.next("close");
  expect(heard).toMatchObject({ stream: chat.stream });
});
