/** What a sign-in does at the object besides making a session: first visits, and renewals of what has run out. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import type { SignIn } from "../../durable-objects/rpc.ts";
import { CALLER, signInOf, Tenant } from "./tenant.ts";

let tenant: Tenant;
beforeEach(() => {
  tenant = new Tenant("sign-in");
});

function signIn(person: string, more: Partial<SignIn> = {}) {
  return tenant.stub.startSession(CALLER, signInOf(person, more));
}

async function sessionOf(person: string, more: Partial<SignIn> = {}): Promise<string> {
  const started = await signIn(person, more);
  if (!started.ok) throw new Error(started.code);
  return started.value.session;
}

/** Moves the clock of every session by a month, as storage knows it. */
async function expireAll(): Promise<void> {
  await runInDurableObject(tenant.stub, async (_object, { storage }) => {
    storage.sql.exec(
      `UPDATE sessions SET expires_at = expires_at - 2600000000, last_seen_at = last_seen_at - 2600000000,
         created_at = created_at - 2600000000, due_at = due_at - 2600000000`,
    );
  });
  await evictDurableObject(tenant.stub);
}

test("every sign-in is a first visit until the person goes on from the notice; then none is, for nobody else", async () => {
  expect(await signIn("alice")).toMatchObject({ ok: true, value: { notice: true } });
  const session = await sessionOf("alice");
  expect(await tenant.stub.noticeSeen(CALLER, session)).toEqual({ ok: true, value: null });
  await evictDurableObject(tenant.stub);
  expect(await signIn("alice")).toMatchObject({ value: { notice: false } });
  expect(await signIn("bob")).toMatchObject({ value: { notice: true } });
});

test("a browser that was another person's until just now brings the notice, whoever has seen it before", async () => {
  const alice = await sessionOf("alice");
  const bob = await sessionOf("bob");
  for (const session of [alice, bob]) await tenant.stub.noticeSeen(CALLER, session);
  expect(await signIn("bob", { replaces: alice })).toMatchObject({ value: { notice: true } });
  expect(await signIn("bob", { replaces: bob })).toMatchObject({ value: { notice: false } });
});

test("a session that is over cannot say that its person has seen the notice", async () => {
  const session = await sessionOf("alice");
  await tenant.stub.endSession(CALLER, session, "signed_out");
  expect(await tenant.stub.noticeSeen(CALLER, session)).toMatchObject({ ok: false });
  expect(await signIn("alice")).toMatchObject({ value: { notice: true } });
});

test("an expired session says whose it was, and is renewed by the same person only", async () => {
  const session = await sessionOf("alice");
  await expireAll();
  expect(await tenant.stub.findSession(CALLER, session)).toEqual({ ok: false, code: "session_expired" });
  expect(await tenant.stub.findFormerSession(CALLER, session)).toEqual({
    ok: true,
    value: { provider: "stub", issuer: "stub", email: "alice@example.com" },
  });
  const renews = { renews: session, replaces: session };
  expect(await signIn("bob", renews)).toEqual({ ok: false, code: "other_person" });
  expect(await signIn("alice", { ...renews, issuer: "other" })).toEqual({ ok: false, code: "other_person" });
  const renewed = await sessionOf("alice", renews);
  expect(await tenant.stub.findSession(CALLER, renewed)).toMatchObject({ ok: true });
});

test("somebody else's renewal leaves no trace of them: no person, no new version of the roster", async () => {
  const session = await sessionOf("alice");
  await signIn("bob", { renews: session });
  const people = await runInDurableObject(tenant.stub, async (_object, { storage }) =>
    storage.sql.exec("SELECT subject FROM people").toArray(),
  );
  expect(people).toEqual([{ subject: "alice" }]);
});

test.each(["signed_out", "revoked"] as const)("a session that was %s is nobody's to renew", async (reason) => {
  const session = await sessionOf("alice");
  await tenant.stub.endSession(CALLER, session, reason);
  expect(await tenant.stub.findFormerSession(CALLER, session)).toEqual({ ok: false, code: "session_unknown" });
  expect(await signIn("alice", { renews: session })).toEqual({ ok: false, code: "other_person" });
});

test("a session that never was is nobody's to renew", async () => {
  expect(await tenant.stub.findFormerSession(CALLER, "AAECAwQFBgcICQoLDA0ODw")).toMatchObject({ ok: false });
  expect(await signIn("alice", { renews: "AAECAwQFBgcICQoLDA0ODw" })).toEqual({ ok: false, code: "other_person" });
});
