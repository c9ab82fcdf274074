/** What the console may do is decided by the object itself: by kind of session, by role, at each call. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { Role } from "#protocol/identity.ts";
import { personKey } from "../../durable-objects/people/person-store.ts";
import { PAGE_SIZE, type AdminTarget, type SessionKind } from "../../durable-objects/rpc.ts";
import { hashSessionId } from "../../durable-objects/sessions/session-id.ts";
import { agentKeys, dialAgent } from "./agent.ts";
import { CALLER, Tenant } from "./tenant.ts";

let tenant: Tenant;
beforeEach(() => {
  tenant = new Tenant("admin");
});

const HOUR_MS = 3_600_000;
const console_ = (person: string, role: Role = "user", kind: SessionKind = "console") =>
  tenant.session(person, { role, kind });
const keyOf = (person: string) => personKey("stub", person);
const outcome = (result: { ok: true } | { ok: false; code: string }) => (result.ok ? "ok" : result.code);
const relayed = async (session: string) => (await tenant.get(session)).headers.get("x-tidegate-error");

type Act = (actor: string, other: string) => Promise<{ ok: true } | { ok: false; code: string }>;
const revoke = (actor: string, target: AdminTarget) => tenant.stub.revokeAs(CALLER, actor, target);
const ACTS: Record<string, Act> = {
  "who acts": (actor) => tenant.stub.whoActs(CALLER, actor),
  "list own sessions": (actor) => tenant.stub.listSessions(CALLER, actor, "own", null),
  "list all sessions": (actor) => tenant.stub.listSessions(CALLER, actor, "all", null),
  "read the audit trail": (actor) => tenant.stub.listAudit(CALLER, actor, null),
  "list people": (actor) => tenant.stub.listPeople(CALLER, actor, null),
  "end own sessions": async (actor) => revoke(actor, { person: await keyOf("actor") }),
  "revoke another's session": async (actor, other) => revoke(actor, { session: await hashSessionId(other) }),
  "revoke another person": async (actor) => revoke(actor, { person: await keyOf("other") }),
  "look up a person": async (actor) => tenant.stub.findPerson(CALLER, actor, await keyOf("other")),
  "forget another person": async (actor) => tenant.stub.forgetPerson(CALLER, actor, await keyOf("other")),
  "revoke everybody": (actor) => revoke(actor, "all"),
};
const FOR_EVERYBODY = new Set(["who acts", "list own sessions", "end own sessions"]);
const ENDING = new Set([
  "revoke another's session",
  "revoke another person",
  "forget another person",
  "revoke everybody",
]);
const KINDS: SessionKind[] = ["browser", "console", "cli"];
const ROLES: Role[] = ["admin", "user", "viewer"];

const table = KINDS.flatMap((kind) => ROLES.flatMap((role) => Object.keys(ACTS).map((act) => ({ kind, role, act }))));

describe("authorisation", () => {
  test.each(table)("a $kind session of a $role: $act", async ({ kind, role, act }) => {
    const other = await tenant.session("other");
    const actor = await console_("actor", role, kind);
    await evictDurableObject(tenant.stub);

    const result = outcome(await ACTS[act]!(actor, other));

    const permitted = role === "admin" || FOR_EVERYBODY.has(act);
    const expected = kind === "browser" ? "session_unknown" : permitted ? "ok" : "forbidden_by_role";
    expect(result).toBe(expected);
    const after = expected === "ok" && ENDING.has(act) ? "session_revoked" : "workspace_away";
    expect(await relayed(other)).toBe(after);
    const refusals = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'admin.refused'");
    expect(refusals).toHaveLength(expected === "forbidden_by_role" ? 1 : 0);
  });

  test.each(["console", "cli"] as const)("a %s session never opens the tenant's host", async (kind) => {
    const session = await console_("alice", "admin", kind);
    expect(await relayed(session)).toBe("session_unknown");
    expect((await tenant.upgrade(session)).headers.get("x-tidegate-error")).toBe("session_unknown");
    expect(outcome(await tenant.stub.findSession(CALLER, session))).toBe("session_unknown");
  });

  test("an administrator who is one no longer is refused at the next call", async () => {
    const session = await console_("alice", "admin");
    expect(outcome(await ACTS["list people"]!(session, ""))).toBe("ok");
    await tenant.session("alice", { role: "user" });
    expect(outcome(await ACTS["list people"]!(session, ""))).toBe("forbidden_by_role");
  });

  test("a session that was revoked acts no more", async () => {
    const [one, two] = [await console_("alice", "admin"), await console_("dave", "admin")];
    await revoke(one, { session: await hashSessionId(two) });
    expect(outcome(await ACTS["revoke everybody"]!(two, ""))).toBe("session_revoked");
  });
});

test("revoking a session closes its open chat, and the audit says who did it to whom", async () => {
  const agent = await dialAgent(tenant.stub, await agentKeys());
  const bob = await tenant.session("bob");
  const chat = await tenant.open(agent, bob);
  const alice = await console_("alice", "admin");

  const [handle, by] = [await hashSessionId(bob), await hashSessionId(alice)];
  expect(await revoke(alice, { session: handle })).toEqual({ ok: true, value: { sessions: 1 } });

  expect((await chat.closed).code).toBe(1008);
  const [event] = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'admin.session_revoked'");
  expect(JSON.parse(event!.json)).toEqual({
    actor: await keyOf("alice"),
    by,
    person: await keyOf("bob"),
    session: handle,
  });
});

test("signing out everywhere at the assistant, where OpenClaw's pages run, leaves the console's sessions alone", async () => {
  const assistant = await tenant.session("alice", { role: "admin" });
  const [atConsole, cli] = [await console_("alice", "admin"), await console_("alice", "admin", "cli")];
  const ended = await tenant.stub.revoke(CALLER, { assistantsOf: await keyOf("alice") }, "signed_out_everywhere");
  expect(ended).toEqual({ ok: true, value: { sessions: 1 } });
  expect(await relayed(assistant)).toBe("session_expired");
  for (const session of [atConsole, cli]) expect((await tenant.stub.whoActs(CALLER, session)).ok).toBe(true);
});

describe("lists", () => {
  test("show handles and never ids, newest first, each once over all pages", async () => {
    const ids = [];
    for (let n = 0; n <= PAGE_SIZE; n++) ids.push(await tenant.session(`person-${n}`, { userAgent: "<script>" }));
    const actor = await console_("alice", "admin");
    const first = await tenant.stub.listSessions(CALLER, actor, "all", null);
    if (!first.ok) throw new Error(first.code);
    expect(first.value.items).toHaveLength(PAGE_SIZE);
    const second = await tenant.stub.listSessions(CALLER, actor, "all", first.value.next);
    if (!second.ok) throw new Error(second.code);
    expect(second.value.next).toBeNull();
    const all = [...first.value.items, ...second.value.items];
    expect(new Set(all.map(({ handle }) => handle)).size).toBe(PAGE_SIZE + 2);
    expect(all.filter(({ current }) => current).map(({ email }) => email)).toEqual(["alice@example.com"]);
    for (const id of [...ids, actor]) expect(JSON.stringify(all)).not.toContain(id);
    const people = await tenant.stub.listPeople(CALLER, actor, null);
    expect(people.ok && people.value.items.length).toBe(PAGE_SIZE);
  });

  test("the audit trail comes whole, oldest first, over all its pages, and says who took it", async () => {
    const actor = await console_("alice", "admin");
    await tenant.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
      INSERT INTO audit (at, type, json) SELECT i, 'agent.left', '{"agent":"a"}' FROM n`);
    const entries = [];
    for (let cursor: string | null = null; ;) {
      const page = await tenant.stub.listAudit(CALLER, actor, cursor);
      if (!page.ok) throw new Error(page.code);
      entries.push(...page.value.items);
      if ((cursor = page.value.next) === null) break;
    }
    expect(entries.map(({ id }) => id)).toEqual(entries.map((_entry, at) => at + 1));
    expect(entries.filter(({ type }) => type === "agent.left")).toHaveLength(1200);
    expect(entries.at(-1)).toMatchObject({ type: "admin.audit_exported", fields: { actor: await keyOf("alice") } });
    expect(outcome(await tenant.stub.listAudit(CALLER, actor, "1; DROP TABLE audit"))).toBe("bad_call");
  });

  test("one's own list holds nobody else's", async () => {
    await tenant.session("bob");
    const actor = await console_("alice");
    const own = await tenant.stub.listSessions(CALLER, actor, "own", null);
    expect(own.ok && own.value.items.map(({ email }) => email)).toEqual(["alice@example.com"]);
  });

  test.each(["", "x", "1", "1.", "1.a b", "-1.a", "9999999999999999.a", `1.${"a".repeat(65)}`])(
    "the cursor %j is refused",
    async (cursor) => {
      const actor = await console_("alice", "admin");
      expect(outcome(await tenant.stub.listPeople(CALLER, actor, cursor))).toBe("bad_call");
      expect(outcome(await tenant.stub.listSessions(CALLER, actor, "all", cursor))).toBe("bad_call");
    },
  );
});

test.each([
  ["console", 8 * HOUR_MS, 15 * 60_000],
  ["cli", 8 * HOUR_MS, 8 * HOUR_MS],
] as const)("a %s session lasts %d ms, and %d ms unused", async (kind, absolute, idle) => {
  await console_("alice", "admin", kind);
  const [row] = await tenant.sql<{ created_at: number; expires_at: number; due_at: number }>("SELECT * FROM sessions");
  expect(row!.expires_at - row!.created_at).toBe(absolute);
  expect(row!.due_at - row!.created_at).toBe(idle);
});
