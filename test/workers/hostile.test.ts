/** What a hostile browser, agent or provider may try at the object, one breach per test. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeFrame } from "#protocol/codec.ts";
import { INITIAL_CREDIT_BYTES, MAX_ROSTER_BYTES, MAX_STREAMS } from "#protocol/limits.ts";
import type { BrowserAttachment } from "../../durable-objects/relay/browser-attachment.ts";
import { ByteBudget } from "../../durable-objects/relay/byte-budget.ts";
import { InboundQueue } from "../../durable-objects/relay/inbound-queue.ts";
import { RELAY_HEADER, type RelayCall, type SignIn } from "../../durable-objects/rpc.ts";
import { browserTags } from "../../durable-objects/sockets.ts";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import type { AgentAttachment } from "../../durable-objects/tunnel/agent-attachment.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { CALLER, signInOf } from "./tenant.ts";

const namespace = (env as unknown as { TENANT: DurableObjectNamespace<TenantObject> }).TENANT;
const bytes = (text: string) => new TextEncoder().encode(text);

let stub: DurableObjectStub<TenantObject>;
let objects = 0;
beforeEach(() => {
  stub = namespace.getByName(`hostile/${objects++}`);
});

async function session(person: string, more: Partial<SignIn> = {}): Promise<string> {
  const started = await stub.startSession(CALLER, signInOf(person, more));
  if (!started.ok) throw new Error(started.code);
  return started.value.session;
}

function relay(session: string, more: Partial<RelayCall> = {}, init: RequestInit = {}): Promise<Response> {
  const call: RelayCall = {
    tenant: "default",
    session,
    requestId: "r1",
    method: init.method ?? "GET",
    target: "/chat/main",
    routeClass: "ui",
    clientAddress: "192.0.2.1",
    scheme: "http",
    host: "gw.example",
    ...more,
  };
  const headers = new Headers(init.headers);
  headers.set(RELAY_HEADER, JSON.stringify(call));
  return stub.fetch("http://gw.example/chat/main", { ...init, headers });
}

const upgrade = (session: string) => relay(session, { routeClass: "gateway" }, { headers: { upgrade: "websocket" } });

async function openSocket(agent: FakeAgent, session: string) {
  const pending = upgrade(session);
  const { stream } = await agent.next("open");
  agent.send({ type: "accepted", stream, protocol: "" });
  const socket = (await pending).webSocket;
  if (socket === null) throw new Error("no upgrade");
  const messages: unknown[] = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    messages.push(data);
    wake();
  });
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  socket.accept();
  const received = async (count: number) => {
    while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return messages;
  };
  return { socket, stream, closed, received };
}

describe("a browser's headers", () => {
  test("too many for a head are refused here: the agent would have to end everybody's connection", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const answered = relay(alice, {}, { headers: { cookie: `a=${"x".repeat(40_000)}` } });
    expect((await Promise.race([answered, agent.next("open")])) as Response).toMatchObject({ status: 400 });
  });

  test("in quotes that JSON doubles count as they travel", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const answered = relay(alice, {}, { headers: { cookie: `a=${'"'.repeat(20_000)}` } });
    expect((await Promise.race([answered, agent.next("open")])) as Response).toMatchObject({ status: 400 });
  });

  test("outside of ASCII reach the agent as the bytes they were, and the connection stays", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice, {}, { headers: { cookie: "n=☃" } });
    const { stream, head } = await Promise.race([agent.next("open"), agent.closed.then(() => Promise.reject())]);
    expect(head.headers).toEqual([["cookie", "n=\xe2\x98\x83"]]);
    agent.send({ type: "head", stream, head: { status: 204, headers: [] }, body: bytes(""), end: true });
    expect((await pending).status).toBe(204);
  });
});

describe("a provider's claims", () => {
  test("longer than the wire takes do not make the roster one that no agent accepts", async () => {
    await session("alice", { name: "x".repeat(300), email: `alice@${"e".repeat(300)}.com` });
    const agent = await dialAgent(stub, await agentKeys());
    const roster = await Promise.race([agent.next("roster"), agent.closed]);
    expect(roster).toMatchObject({ people: [{ name: null, email: null }] });
  });

  test("of many people fill the roster up to its bound, and no further", async () => {
    const people = Array.from({ length: 400 }, (_, n) => session(`person-${n}`, { name: "\u0001".repeat(256) }));
    await Promise.all(people);
    const agent = await dialAgent(stub, await agentKeys());
    const roster = await agent.next("roster");
    expect(roster.people.length).toBeGreaterThan(200);
    expect(encodeFrame(roster).byteLength).toBeLessThanOrEqual(MAX_ROSTER_BYTES);
  });

  test("cannot take an e-mail that somebody else signed in with, also not later on", async () => {
    await session("alice");
    await session("mallory");
    const moved = await stub.startSession(CALLER, signInOf("mallory", { email: "alice@example.com" }));
    expect(moved).toEqual({ ok: false, code: "identity_conflict" });
    const agent = await dialAgent(stub, await agentKeys());
    const emails = (await agent.next("roster")).people.map(({ email }) => email);
    expect(emails.toSorted()).toEqual(["alice@example.com", "mallory@example.com"]);
  });

  test("cannot take an e-mail that somebody else has moved to", async () => {
    await session("alice");
    await session("alice", { email: "alice.new@example.com" });
    const other = await stub.startSession(CALLER, signInOf("mallory", { email: "alice.new@example.com" }));
    expect(other).toEqual({ ok: false, code: "identity_conflict" });
  });
});

describe("the origin's headers", () => {
  test.each([
    ["UTF-8, as browsers read them", "inline; filename=\xc3\xa9.pdf", "inline; filename=é.pdf"],
    ["no UTF-8, as they came", "inline; filename=\xe9.pdf", "inline; filename=é.pdf"],
  ])("reach the browser as the bytes they were: %s", async (_name, wire, read) => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    const { stream } = await agent.next("open");
    const headers: [string, string][] = [["content-disposition", wire]];
    agent.send({ type: "head", stream, head: { status: 200, headers }, body: bytes(""), end: true });
    expect((await pending).headers.get("content-disposition")).toBe(read);
  });
});

describe("a session that ends", () => {
  test("during an upgrade gets no socket, and the origin is told", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = upgrade(alice);
    const { stream } = await agent.next("open");
    await stub.endSession(CALLER, alice, "revoked");
    agent.send({ type: "accepted", stream, protocol: "" }, { type: "text", stream, bytes: bytes("challenge") });
    const response = await pending;
    expect([response.status, response.webSocket]).toEqual([401, null]);
    expect((await agent.next("reset")).stream).toBe(stream);
  });
});

describe("a role that changed", () => {
  test("ends the sockets that were opened with the former one: their scopes were fixed when they opened", async () => {
    const admin = await session("alice", { role: "admin" });
    const agent = await dialAgent(stub, await agentKeys());
    const { stream, closed } = await openSocket(agent, admin);
    await session("alice", { role: "viewer" });
    expect(await agent.next("close")).toMatchObject({ stream });
    expect(await closed).toBe(1012);
  });

  test("reaches sockets that are asleep, too, and a sign-in without news leaves them alone", async () => {
    const admin = await session("alice", { role: "admin" });
    const agent = await dialAgent(stub, await agentKeys());
    const { socket, closed } = await openSocket(agent, admin);
    await session("alice", { role: "admin" });
    socket.send("still here");
    await agent.next("text");
    await evictDurableObject(stub, { webSockets: "hibernate" });
    await session("alice", { role: "viewer" });
    expect(await closed).toBe(1012);
  });
});

describe("an agent", () => {
  test("that sends many small messages at once finds its browser still there", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { stream, received, closed } = await openSocket(agent, alice);
    const messages = Array.from({ length: 3_000 }, (_, n) => ({ type: "text" as const, stream, bytes: bytes(`${n}`) }));
    agent.send(...messages);
    expect(await Promise.race([received(3_000), closed])).toHaveLength(3_000);
  });

  test("whose message starts with U+FEFF is relayed to the letter", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { stream, received } = await openSocket(agent, alice);
    agent.send({ type: "text", stream, bytes: bytes("\ufeffhello") });
    expect(await received(1)).toEqual(["\ufeffhello"]);
  });

  test("that refuses an upgrade with a status that has no body costs that upgrade its body, not everybody the link", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = upgrade(alice);
    const { stream } = await agent.next("open");
    agent.send({ type: "refused", stream, head: { status: 304, headers: [] }, body: bytes("no") });
    expect((await pending).status).toBe(304);
    expect(await stub.readiness()).toMatchObject({ agent: "connected" });
  });

  test.each([
    ["too short", "ok"],
    ["too long", "x".repeat(100)],
  ])("whose body is %s for its length costs that response, not everybody the link", async (_name, body) => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    const { stream } = await agent.next("open");
    const head = { status: 200, headers: [["content-length", "5"]] as [string, string][] };
    agent.send({ type: "head", stream, head, body: bytes(""), end: false });
    agent.send({ type: "data", stream, bytes: bytes(body) }, { type: "end", stream });
    const read = await (await pending).text().catch(() => "cut off");
    expect(read === "cut off" || read.length <= 5).toBe(true);
    expect(await stub.readiness()).toMatchObject({ agent: "connected" });
  });

  test("that says again and again that files are unwritable fills no audit", async () => {
    await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { version } = await agent.next("roster");
    agent.send(
      ...Array.from({ length: 4_000 }, () => ({
        type: "written" as const,
        stream: 0 as const,
        version,
        result: "unwritable" as const,
      })),
    );
    await agent.send({ type: "written", stream: 0, version, result: "ok" });
    await stub.readiness();
    const rows = await runInDurableObject(stub, (_object, { storage }) =>
      storage.sql.exec("SELECT id FROM audit WHERE type = 'identity.unwritable'").toArray(),
    );
    expect(rows).toHaveLength(1);
  });
});

describe("many streams", () => {
  test("of sockets that outlived the object's memory count: one more is refused, not the agent's reason to hang up", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    await agent.settled();
    // A memory that has heard nothing yet.
    await evictDurableObject(stub);
    await runInDurableObject(stub, (_object, ctx) => {
      const held = ctx.getWebSockets("agent")[0]!.deserializeAttachment() as AgentAttachment;
      const link = held.phase === "linked" ? held.record.link : "";
      const state = {
        last: 1,
        window: INITIAL_CREDIT_BYTES,
        granted: INITIAL_CREDIT_BYTES,
        credit: INITIAL_CREDIT_BYTES,
        busy: false,
        takenDue: false,
      };
      for (let stream = 1; stream <= MAX_STREAMS; stream++) {
        const socket = new WebSocketPair()[1];
        ctx.acceptWebSocket(socket, browserTags(stream, "s", "p"));
        const attachment = {
          kind: "browser" as const,
          link,
          stream,
          session: "s",
          person: "p",
          offered: null,
          ...state,
        };
        socket.serializeAttachment(attachment satisfies BrowserAttachment);
      }
    });
    const answered = (await Promise.race([relay(alice), agent.next("open")])) as Response;
    expect(answered.headers?.get("x-tidegate-error")).toBe("too_many_streams");
  });

  test("are not needed to fill memory: empty messages that wait count, too", () => {
    const queue = new InboundQueue(1, 0, new ByteBudget());
    let pushed = 0;
    while (pushed < 100_000 && queue.push("text", new Uint8Array(0)) === "ok") pushed++;
    expect(pushed).toBeLessThan(100_000);
  });
});
