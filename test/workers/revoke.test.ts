/** Whatever ends a session ends all that it has open: sockets of every kind, downloads, uploads, what waits. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { EndReason, RevokeTarget } from "../../durable-objects/rpc.ts";
import { personKey } from "../../durable-objects/people/person-store.ts";
import { hashSessionId } from "../../durable-objects/sessions/session-id.ts";
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { type Browser, bytes, CALLER, Tenant } from "./tenant.ts";

const ISSUER = "https://id.example";

let tenant: Tenant;
let agent: FakeAgent;
beforeEach(async () => {
  tenant = new Tenant("revoke");
  agent = await dialAgent(tenant.stub, await agentKeys());
});

const signIn = (person: string, providerSessionId: string) =>
  tenant.session(person, { issuer: ISSUER, providerSessionId });

async function revoke(target: RevokeTarget, reason: EndReason = "revoked"): Promise<number> {
  const revoked = await tenant.stub.revoke(CALLER, target, reason);
  if (!revoked.ok) throw new Error(revoked.code);
  return revoked.value.sessions;
}

const code = async (session: string) => (await tenant.get(session)).headers.get("x-tidegate-error");

async function auditedReasons(): Promise<string[]> {
  const rows = await tenant.sql<{ json: string }>("SELECT json FROM audit WHERE type = 'session.ended' ORDER BY id");
  return rows.map(({ json }) => (JSON.parse(json) as { reason: string }).reason);
}

/** Every way of naming alice's session, and how many of alice's two and bob's one end by it. */
const TARGETS: [name: string, target: (session: string) => Promise<RevokeTarget>, ended: [string, string, string]][] = [
  ["a session", async (session) => ({ session: await hashSessionId(session) }), ["ended", "live", "live"]],
  ["a person", async () => ({ person: await personKey(ISSUER, "alice") }), ["ended", "ended", "live"]],
  [
    "a person at the assistant",
    async () => ({ assistantsOf: await personKey(ISSUER, "alice") }),
    ["ended", "ended", "live"],
  ],
  ["a subject", async () => ({ issuer: ISSUER, subject: "alice" }), ["ended", "ended", "live"]],
  ["a provider's session", async () => ({ issuer: ISSUER, providerSessionId: "sid-1" }), ["ended", "live", "live"]],
  ["everybody", async () => "all", ["ended", "ended", "ended"]],
];

describe.each(TARGETS)("revoking %s", (_name, targetOf, ended) => {
  test("ends exactly its sessions, and closes their sockets asleep, awake and in mid-message", async () => {
    const sessions = [await signIn("alice", "sid-1"), await signIn("alice", "sid-2"), await signIn("bob", "sid-3")];
    const asleep: Browser[] = [];
    for (const session of sessions) asleep.push(await tenant.open(agent, session));
    await agent.settled();
    await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
    const awake = await tenant.open(agent, sessions[0]!);
    const busy = await tenant.open(agent, sessions[0]!);
    // More than the agent has granted credit for: the rest of it waits at the object.
    busy.socket.send(new Uint8Array(2 * INITIAL_CREDIT_BYTES));
    await agent.next("piece");

    const count = await revoke(await targetOf(sessions[0]!));
    expect(count).toBe(ended.filter((state) => state === "ended").length);
    for (const browser of [asleep[0]!, awake, busy]) {
      expect(await browser.closed).toEqual({ code: 1008, reason: "session ended" });
    }
    for (const [n, state] of ended.entries()) {
      if (state === "ended") {
        await asleep[n]!.closed;
        expect(await code(sessions[n]!)).toBe("session_revoked");
        continue;
      }
      asleep[n]!.socket.send("still here");
      const heard = await agent.next("text");
      expect([heard.stream, new TextDecoder().decode(heard.bytes)]).toEqual([asleep[n]!.stream, "still here"]);
    }
    expect(await revoke(await targetOf(sessions[0]!))).toBe(0);
  });

  test("does so right after a loss of memory, too", async () => {
    const session = await signIn("alice", "sid-1");
    const browser = await tenant.open(agent, session);
    const target = await targetOf(session);
    await agent.settled();
    await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
    expect(await revoke(target)).toBe(1);
    expect((await browser.closed).code).toBe(1008);
    expect(await agent.next("close")).toMatchObject({ stream: browser.stream, code: 1001 });
  });
});

/** What ends a session without anybody's sign-out; each must end what is under way just the same. */
const ENDS: [name: string, end: (session: string) => Promise<unknown>, code: string][] = [
  ["revocation", async (session) => revoke({ session: await hashSessionId(session) }), "session_revoked"],
  [
    "the provider's logout",
    async () => revoke({ issuer: ISSUER, subject: "alice" }, "provider_logout"),
    "session_expired",
  ],
  ["expiry", () => expire(), "session_expired"],
];

async function expire(): Promise<void> {
  // Time passes by moving what is stored: the object's clock is the platform's.
  await tenant.sql("UPDATE sessions SET due_at = 1");
  expect(await runDurableObjectAlarm(tenant.stub)).toBe(true);
}

describe.each(ENDS)("%s", (_name, end, refusal) => {
  test("breaks off a download and an upload, and answers an upgrade under way", async () => {
    const session = await signIn("alice", "sid-1");
    const downloading = tenant.get(session);
    const download = (await agent.next("open")).stream;
    agent.send({
      type: "head",
      stream: download,
      head: { status: 200, headers: [] },
      body: bytes("first"),
      end: false,
    });
    const reader = (await downloading).body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("first");

    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const uploading = tenant.get(session, { method: "POST", body: readable });
    const upload = (await agent.next("open")).stream;
    const writer = writable.getWriter();
    void writer.write(bytes("part")).catch(() => undefined);
    await agent.next("data");
    const upgrading = tenant.upgrade(session);
    const upgrade = (await agent.next("open")).stream;

    const broken = expect(reader.read()).rejects.toThrow();
    await end(session);
    await broken;
    expect((await uploading).headers.get("x-tidegate-error")).toBe("session_expired");
    expect((await upgrading).headers.get("x-tidegate-error")).toBe("session_expired");
    const reset = [await agent.next("reset"), await agent.next("reset"), await agent.next("reset")];
    expect(reset.map(({ stream }) => stream).sort()).toEqual([download, upload, upgrade].sort());
    expect(await code(session)).toBe(refusal);
  });

  test("answers what is held for an agent that is away", async () => {
    const session = await signIn("alice", "sid-1");
    agent.socket.close(1000);
    await agent.closed;
    await agent.settled();
    const held = tenant.upgrade(session);
    await end(session);
    expect((await held).headers.get("x-tidegate-error")).toBe(refusal);
  });
});

test("every end is audited with its reason", async () => {
  await revoke({ session: await hashSessionId(await signIn("alice", "sid-1")) });
  await revoke({ session: await hashSessionId(await signIn("alice", "sid-1")) }, "signed_out_everywhere");
  const last = await signIn("alice", "sid-1");
  await tenant.session("alice", { issuer: ISSUER, replaces: last });
  expect(await auditedReasons()).toEqual(["revoked", "signed_out_everywhere", "replaced"]);
});
