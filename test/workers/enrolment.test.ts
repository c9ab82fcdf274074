/** Who may be an agent, as the object keeps it: let in by a fresh administrator, once, and out at one word. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { hashSessionId } from "../../durable-objects/sessions/session-id.ts";
import { agentKeys, dialAgent } from "./agent.ts";
import { CALLER, Tenant } from "./tenant.ts";

let tenant: Tenant;
beforeEach(() => {
  tenant = new Tenant("enrolment");
});

const offerOf = (publicKey: string, name = "studio") => ({ publicKey, name });
const outcome = (result: { ok: true } | { ok: false; code: string }) => (result.ok ? "ok" : result.code);
const admin = () => tenant.session("alice", { role: "admin", kind: "console" });
const audited = async (type: string) =>
  (await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = ?", type)).map(({ json }) =>
    JSON.parse(json),
  );

async function approve(publicKey: string): Promise<string> {
  expect(outcome(await tenant.stub.decideEnrolment(CALLER, await admin(), offerOf(publicKey), "approve"))).toBe("ok");
  const enrolled = await tenant.stub.enrolment(CALLER, publicKey);
  if (!enrolled.ok) throw new Error(enrolled.code);
  return enrolled.value.agent;
}

describe("letting a key in", () => {
  test("it waits, is approved, survives a loss of memory, connects, and serves", async () => {
    const keys = await agentKeys();
    expect(outcome(await tenant.stub.enrolment(CALLER, keys.publicKey))).toBe("enrolment_pending");
    const agent = await approve(keys.publicKey);
    await evictDurableObject(tenant.stub);
    const fake = await dialAgent(tenant.stub, keys, { boot: 1, attempt: 1, agent, configured: false });
    const bob = await tenant.session("bob");
    await tenant.open(fake, bob);
    const view = await tenant.stub.viewAgent(CALLER, agent, keys.publicKey);
    expect(view).toEqual({ ok: true, value: { agent, name: "studio", role: "active" } });
    expect(await audited("admin.agent_approved")).toMatchObject([{ agent, key: keys.publicKey }]);
  });

  test("the gateway key that it pins is the one that signs challenges", async () => {
    const keys = await agentKeys();
    await approve(keys.publicKey);
    const enrolled = await tenant.stub.enrolment(CALLER, keys.publicKey);
    expect(enrolled.ok && enrolled.value.gatewayKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test.each([
    ["a user", { role: "user", kind: "console" }, "forbidden_by_role"],
    ["an administrator's browser session", { role: "admin", kind: "browser" }, "session_unknown"],
    ["an administrator's command line", { role: "admin", kind: "cli" }, "not_fresh"],
  ] as const)("%s cannot", async (_who, more, expected) => {
    const { publicKey } = await agentKeys();
    const session = await tenant.session("mallory", more);
    expect(outcome(await tenant.stub.decideEnrolment(CALLER, session, offerOf(publicKey), "approve"))).toBe(expected);
    expect(outcome(await tenant.stub.enrolment(CALLER, publicKey))).toBe("enrolment_pending");
  });

  test("an administrator who signed in too long ago cannot", async () => {
    const { publicKey } = await agentKeys();
    const session = await admin();
    await tenant.sql("UPDATE sessions SET created_at = created_at - 900001");
    await evictDurableObject(tenant.stub);
    expect(outcome(await tenant.stub.decideEnrolment(CALLER, session, offerOf(publicKey), "approve"))).toBe(
      "not_fresh",
    );
  });

  test("a key is one agent's: it is not approved twice, and not again after it was revoked", async () => {
    const { publicKey } = await agentKeys();
    const agent = await approve(publicKey);
    const session = await admin();
    const again = () => tenant.stub.decideEnrolment(CALLER, session, offerOf(publicKey, "other"), "approve");
    expect(outcome(await again())).toBe("key_enrolled");
    await tenant.stub.revokeAgent(CALLER, session, agent);
    expect(outcome(await again())).toBe("key_revoked");
    expect(outcome(await tenant.stub.enrolment(CALLER, publicKey))).toBe("key_revoked");
  });

  test("a key that was told no hears it, and may be approved later", async () => {
    const { publicKey } = await agentKeys();
    await tenant.stub.decideEnrolment(CALLER, await admin(), offerOf(publicKey), "deny");
    expect(outcome(await tenant.stub.enrolment(CALLER, publicKey))).toBe("enrolment_denied");
    await approve(publicKey);
  });

  test("there are a hundred agents at most", async () => {
    const session = await admin();
    for (let n = 0; n < 100; n++) {
      await tenant.stub.decideEnrolment(CALLER, session, offerOf(String(n).padStart(43, "A")), "approve");
    }
    const { publicKey } = await agentKeys();
    expect(outcome(await tenant.stub.decideEnrolment(CALLER, session, offerOf(publicKey), "approve"))).toBe(
      "too_many_agents",
    );
  });
});

describe("a token", () => {
  test("lets one key in, once, also after a loss of memory", async () => {
    const made = await tenant.stub.startEnrolmentToken(CALLER, await admin());
    if (!made.ok) throw new Error(made.code);
    const [one, two] = [await agentKeys(), await agentKeys()];
    await evictDurableObject(tenant.stub);
    const both = await Promise.all(
      [one, two].map(({ publicKey }) => tenant.stub.enrolByToken(CALLER, made.value.id, offerOf(publicKey))),
    );
    expect(both.map(outcome).toSorted()).toEqual(["ok", "token_used"]);
  });

  test("is over after fifteen minutes", async () => {
    const made = await tenant.stub.startEnrolmentToken(CALLER, await admin());
    if (!made.ok) throw new Error(made.code);
    await tenant.sql("UPDATE enrolment_tokens SET expires_at = expires_at - 900000");
    const { publicKey } = await agentKeys();
    expect(outcome(await tenant.stub.enrolByToken(CALLER, made.value.id, offerOf(publicKey)))).toBe("token_used");
  });

  test("is not spent by a key that is an agent's already", async () => {
    const made = await tenant.stub.startEnrolmentToken(CALLER, await admin());
    if (!made.ok) throw new Error(made.code);
    const [known, fresh] = [await agentKeys(), await agentKeys()];
    await approve(known.publicKey);
    expect(outcome(await tenant.stub.enrolByToken(CALLER, made.value.id, offerOf(known.publicKey)))).toBe(
      "key_enrolled",
    );
    expect(outcome(await tenant.stub.enrolByToken(CALLER, made.value.id, offerOf(fresh.publicKey)))).toBe("ok");
  });

  test("is made by administrators only, of the command line too", async () => {
    const user = await tenant.session("bob", { kind: "console" });
    expect(outcome(await tenant.stub.startEnrolmentToken(CALLER, user))).toBe("forbidden_by_role");
    const cli = await tenant.session("alice", { role: "admin", kind: "cli" });
    expect(outcome(await tenant.stub.startEnrolmentToken(CALLER, cli))).toBe("ok");
  });
});

describe("revoking", () => {
  test("ends the connection at once, and the key opens nothing any more", async () => {
    const keys = await agentKeys();
    const agent = await approve(keys.publicKey);
    const fake = await dialAgent(tenant.stub, keys, { boot: 1, attempt: 1, agent, configured: false });
    const chat = await tenant.open(fake, await tenant.session("bob"));
    const session = await admin();
    await evictDurableObject(tenant.stub);

    expect(outcome(await tenant.stub.revokeAgent(CALLER, session, agent))).toBe("ok");

    expect(await fake.closed).toEqual({ code: 4401, reason: "revoked" });
    expect((await chat.closed).code).toBe(1012);
    await expect(dialAgent(tenant.stub, keys, { boot: 1, attempt: 2, agent, configured: false })).rejects.toThrow(
      "401",
    );
    expect(await audited("admin.agent_revoked")).toMatchObject([{ agent, by: await hashSessionId(session) }]);
    const listed = await tenant.stub.listAgents(CALLER, session);
    expect(listed.ok && listed.value).toEqual([]);
  });

  test("an unknown agent is said to be one", async () => {
    const session = await admin();
    expect(outcome(await tenant.stub.revokeAgent(CALLER, session, "nobody-here"))).toBe("agent_unknown");
    expect(outcome(await tenant.stub.renameAgent(CALLER, session, "nobody-here", "x"))).toBe("agent_unknown");
  });

  test("an agent leaves by itself, and by its own key only", async () => {
    const [keys, other] = [await agentKeys(), await agentKeys()];
    const agent = await approve(keys.publicKey);
    expect(outcome(await tenant.stub.leaveAgent(CALLER, agent, other.publicKey))).toBe("agent_refused");
    expect(outcome(await tenant.stub.leaveAgent(CALLER, agent, keys.publicKey))).toBe("ok");
    expect(outcome(await tenant.stub.viewAgent(CALLER, agent, keys.publicKey))).toBe("agent_refused");
  });
});

describe("replacing a key", () => {
  test("both are good until the new one is used; then the old one is good for nothing", async () => {
    const [old, next] = [await agentKeys(), await agentKeys()];
    const agent = await approve(old.publicKey);
    const first = await dialAgent(tenant.stub, old, { boot: 1, attempt: 1, agent, configured: false });
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, old.publicKey, next.publicKey))).toBe("ok");
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, old.publicKey, next.publicKey))).toBe("ok");
    await evictDurableObject(tenant.stub);
    const again = await dialAgent(tenant.stub, old, { boot: 2, attempt: 1, agent, configured: false });
    expect((await first.closed).code).toBe(4409);
    await dialAgent(tenant.stub, next, { boot: 3, attempt: 1, agent, configured: false });
    expect((await again.closed).code).toBe(4409);
    await expect(dialAgent(tenant.stub, old, { boot: 4, attempt: 1, agent, configured: false })).rejects.toThrow("401");
    expect(await audited("agent.key_replaced")).toEqual([{ agent, key: next.publicKey }]);
  });

  test("a successor that was never used is replaced by the next", async () => {
    const [old, lost, next] = [await agentKeys(), await agentKeys(), await agentKeys()];
    const agent = await approve(old.publicKey);
    await tenant.stub.replaceKey(CALLER, agent, old.publicKey, lost.publicKey);
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, old.publicKey, next.publicKey))).toBe("ok");
    expect(outcome(await tenant.stub.viewAgent(CALLER, agent, lost.publicKey))).toBe("agent_refused");
    expect(outcome(await tenant.stub.viewAgent(CALLER, agent, old.publicKey))).toBe("ok");
  });

  test("a key that was revoked, or is another agent's, replaces nothing", async () => {
    const [one, two, gone] = [await agentKeys(), await agentKeys(), await agentKeys()];
    const [agent] = [await approve(one.publicKey), await approve(two.publicKey)];
    await tenant.stub.revokeAgent(CALLER, await admin(), await approve(gone.publicKey));
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, one.publicKey, two.publicKey))).toBe("key_enrolled");
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, one.publicKey, gone.publicKey))).toBe("key_revoked");
    expect(outcome(await tenant.stub.replaceKey(CALLER, agent, gone.publicKey, one.publicKey))).toBe("agent_refused");
  });
});
