import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { RELAY_HEADER, type RelayCall, type SignIn } from "../../durable-objects/rpc.ts";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import { agentKeys, dialAgent } from "./agent.ts";
import { CALLER } from "./tenant.ts";

const namespace = (env as unknown as { TENANT: DurableObjectNamespace<TenantObject> }).TENANT;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

let stub: DurableObjectStub<TenantObject>;
let objects = 0;
let name = "";
beforeEach(() => {
  name = `default/${objects++}`;
  stub = namespace.getByName(name);
});

function signIn(person: string, more: Partial<SignIn> = {}): SignIn {
  return {
    issuer: "stub",
    subject: person,
    email: `${person}@example.com`,
    name: null,
    groups: [],
    role: "user",
    providerSessionId: null,
    userAgent: "test",
    clientAddress: "192.0.2.1",
    replaces: null,
    renews: null,
    ...more,
  };
}

async function session(person: string, more: Partial<SignIn> = {}): Promise<string> {
  const started = await stub.startSession(CALLER, signIn(person, more));
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

const upgrade = (session: string, init: RequestInit = {}) =>
  relay(session, { routeClass: "gateway" }, { ...init, headers: { upgrade: "websocket" } });

async function openSocket(agent: Awaited<ReturnType<typeof dialAgent>>, session: string) {
  const pending = upgrade(session);
  const { stream, head } = await agent.next("open");
  agent.send({ type: "accepted", stream, protocol: "" }, { type: "text", stream, bytes: bytes("challenge") });
  const response = await pending;
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no upgrade: ${response.status}`);
  socket.binaryType = "arraybuffer";
  const messages: (string | ArrayBuffer)[] = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    messages.push(data as string | ArrayBuffer);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  socket.accept();
  const next = async () => {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return messages.shift();
  };
  expect(await next()).toBe("challenge");
  return { socket, stream, head, next, closed };
}

describe("without an agent", () => {
  test("a signed-in request is told that the workspace is away", async () => {
    const response = await relay(await session("alice"));
    expect(response.status).toBe(503);
    expect(response.headers.get("x-tidegate-error")).toBe("workspace_away");
  });

  test("an unknown, an ended and a revoked session are told apart", async () => {
    const alice = await session("alice");
    const bob = await session("bob");
    await stub.endSession(CALLER, alice, "signed_out");
    await stub.endSession(CALLER, bob, "revoked");
    const codes = [];
    for (const id of ["AAAAAAAAAAAAAAAAAAAAAA", alice, bob]) {
      codes.push((await relay(id)).headers.get("x-tidegate-error"));
    }
    expect(codes).toEqual(["session_unknown", "session_expired", "session_revoked"]);
  });

  test("an e-mail that another person holds is refused, and the first keeps it", async () => {
    const alice = await session("alice");
    const other = await stub.startSession(CALLER, signIn("mallory", { email: "alice@example.com" }));
    expect(other).toEqual({ ok: false, code: "identity_conflict" });
    expect(await stub.findSession(CALLER, alice)).toMatchObject({ ok: true, value: { user: "alice@example.com" } });
  });

  test("a new sign-in of the same browser ends its former session", async () => {
    const first = await session("alice");
    await session("bob", { replaces: first });
    expect(await stub.findSession(CALLER, first)).toEqual({ ok: false, code: "session_expired" });
  });
});

describe("the handshake", () => {
  test("welcomes the enrolled key and sends the roster first", async () => {
    await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    expect(await agent.next("roster")).toMatchObject({ people: [{ user: "alice@example.com", active: false }] });
    expect(await stub.readiness()).toMatchObject({ agent: "connected" });
  });

  test("refuses a proof made with another key, and nothing flows", async () => {
    const enrolled = await agentKeys();
    const stranger = await agentKeys();
    const dialled = dialAgent(stub, { privateKey: stranger.privateKey, publicKey: enrolled.publicKey });
    await expect(dialled).rejects.toThrow("closed 4401 bad_signature");
    expect(await stub.readiness()).toMatchObject({ agent: "away" });
  });

  test("lets a newer attempt supersede, and refuses a replayed one", async () => {
    const keys = await agentKeys();
    const first = await dialAgent(stub, keys, { boot: 1, attempt: 1 });
    await dialAgent(stub, keys, { boot: 1, attempt: 2 });
    expect(await first.closed).toMatchObject({ code: 4409 });
    await expect(dialAgent(stub, keys, { boot: 1, attempt: 2 })).rejects.toThrow("closed 4409");
  });

  test("survives a malformed batch: that connection ends, the object goes on", async () => {
    const keys = await agentKeys();
    const agent = await dialAgent(stub, keys);
    agent.socket.send(Uint8Array.of(16, 0, 0, 0, 9, 9, 9, 9));
    expect(await agent.closed).toMatchObject({ code: 4400 });
    await dialAgent(stub, keys, { boot: 1, attempt: 2 });
    expect(await stub.readiness()).toMatchObject({ agent: "connected" });
  });
});

describe("an HTTP exchange", () => {
  test("reaches the agent with typed identity and comes back as it was", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice, { target: "/x?y=1" }, { headers: { accept: "text/html" } });
    const { stream, head } = await agent.next("open");
    expect(head).toMatchObject({ kind: "http", target: "/x?y=1", user: "alice@example.com", host: "gw.example" });
    expect(head.scopes).toEqual(["operator.read", "operator.write", "operator.questions"]);
    expect(head.headers.map(([name]) => name)).toEqual(["accept"]);
    const headers: [string, string][] = [
      ["content-type", "text/plain"],
      ["set-cookie", "__Host-tidegate-default=evil"],
    ];
    agent.send({ type: "head", stream, head: { status: 201, headers }, body: bytes("hello"), end: true });
    const response = await pending;
    expect([response.status, await response.text(), response.headers.get("set-cookie")]).toEqual([201, "hello", null]);
  });

  test("streams down under credit: a reader that stalls costs one window", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    const { stream } = await agent.next("open");
    agent.send({ type: "head", stream, head: { status: 200, headers: [] }, body: bytes(""), end: false });
    const response = await pending;
    for (let sent = 0; sent < 4; sent++) agent.send({ type: "data", stream, bytes: new Uint8Array(65536).fill(sent) });
    const reader = response.body!.getReader();
    let total = 0;
    while (total < 4 * 65536) total += (await reader.read()).value!.byteLength;
    expect((await agent.next("credit")).bytes).toBeGreaterThanOrEqual(128 * 1024);
    agent.send({ type: "end", stream });
    expect((await reader.read()).done).toBe(true);
  });

  test("carries an upload under credit and ends it", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const body = new Uint8Array(600_000).fill(7);
    const pending = relay(alice, { routeClass: "write" }, { method: "POST", body });
    const { stream, head } = await agent.next("open");
    expect(head.body).toBe(true);
    let total = 0;
    let ungranted = 0;
    while (total < body.byteLength) {
      const chunk = (await agent.next("data")).bytes.byteLength;
      total += chunk;
      ungranted += chunk;
      if (ungranted >= 128 * 1024) {
        agent.send({ type: "credit", stream, bytes: ungranted });
        ungranted = 0;
      }
    }
    await agent.next("end");
    agent.send({ type: "head", stream, head: { status: 204, headers: [] }, body: bytes(""), end: true });
    expect([total, (await pending).status]).toEqual([600_000, 204]);
  });

  test("becomes a 502 of ours when the agent's head is one no response can have", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    const { stream } = await agent.next("open");
    agent.send({ type: "head", stream, head: { status: 204, headers: [] }, body: bytes(""), end: false });
    const response = await pending;
    expect([response.status, response.headers.get("x-tidegate-error")]).toEqual([502, "origin_failed"]);
    expect((await agent.next("reset")).stream).toBe(stream);
  });

  test("is reset when its session ends", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    const { stream } = await agent.next("open");
    await stub.endSession(CALLER, alice, "revoked");
    expect((await agent.next("reset")).stream).toBe(stream);
    expect((await pending).status).toBe(401);
  });

  test("ends with 502 when the agent goes away", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = relay(alice);
    await agent.next("open");
    agent.socket.close(1001, "stopped");
    expect((await pending).headers.get("x-tidegate-error")).toBe("workspace_lost");
  });

  test("of a class that the role may not use is refused before the agent hears of it", async () => {
    const alice = await session("alice");
    await dialAgent(stub, await agentKeys());
    const response = await relay(
      alice,
      { routeClass: "tools", target: "/tools/invoke" },
      { method: "POST", body: "{}" },
    );
    expect(response.status).toBe(403);
  });
});

describe("a WebSocket", () => {
  test("opens only when OpenClaw spoke, after the identity that it needs", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    await agent.next("roster");
    const { head } = await openSocket(agent, alice);
    const identity = await agent.next("identity");
    expect(identity).toMatchObject({ person: { user: "alice@example.com", active: true } });
    expect(head.version).toBe(identity.version);
  });

  test("carries messages both ways in order, also when the object forgets between any two", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { socket, stream, next } = await openSocket(agent, alice);
    for (let n = 0; n < 12; n++) {
      socket.send(`in ${n}`);
      expect(text((await agent.next("text")).bytes)).toBe(`in ${n}`);
      if (n % 3 === 0) await evictDurableObject(stub, { webSockets: "hibernate" });
      agent.send({ type: "text", stream, bytes: bytes(`out ${n}`) });
      expect(await next()).toBe(`out ${n}`);
      if (n % 3 === 1) await evictDurableObject(stub, { webSockets: "hibernate" });
    }
  });

  test("pulls a large message towards the browser, part by part, also across a loss of memory", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { stream, next } = await openSocket(agent, alice);
    const large = crypto.getRandomValues(new Uint8Array(50_000));
    agent.send({ type: "offer", stream, kind: "binary", bytes: large.byteLength });
    const first = await agent.next("take");
    agent.send({ type: "part", stream, attempt: first.attempt, offset: 0, bytes: large.subarray(0, 20_000) });
    await evictDurableObject(stub, { webSockets: "hibernate" });
    agent.send({ type: "part", stream, attempt: first.attempt, offset: 20_000, bytes: large.subarray(20_000) });
    const second = await agent.next("take");
    expect(second.attempt).toBe(first.attempt + 1);
    agent.send({ type: "part", stream, attempt: second.attempt, offset: 0, bytes: large.subarray(0, 20_000) });
    agent.send({ type: "part", stream, attempt: second.attempt, offset: 20_000, bytes: large.subarray(20_000) });
    await agent.next("taken");
    expect(new Uint8Array((await next()) as ArrayBuffer)).toEqual(large);
  });

  test("passes close codes on, both ways", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const one = await openSocket(agent, alice);
    agent.send({ type: "close", stream: one.stream, code: 4003, reason: "moved" });
    expect(await one.closed).toEqual({ code: 4003, reason: "moved" });
    const two = await openSocket(agent, alice);
    two.socket.close(4004, "done");
    expect(await agent.next("close")).toMatchObject({ stream: two.stream, code: 4004, reason: "done" });
  });

  test("closes with its session, asleep or awake", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const { stream, closed } = await openSocket(agent, alice);
    await evictDurableObject(stub, { webSockets: "hibernate" });
    await stub.endSession(CALLER, alice, "revoked");
    expect(await closed).toMatchObject({ code: 1008 });
    expect(await agent.next("close")).toMatchObject({ stream });
  });

  test("ends when the agent's link is over", async () => {
    const alice = await session("alice");
    const keys = await agentKeys();
    const agent = await dialAgent(stub, keys);
    const { closed } = await openSocket(agent, alice);
    agent.socket.close(1001, "stopped");
    expect(await closed).toMatchObject({ code: 1012 });
  });

  test("that OpenClaw refuses gets OpenClaw's own answer", async () => {
    const alice = await session("alice");
    const agent = await dialAgent(stub, await agentKeys());
    const pending = upgrade(alice);
    const { stream } = await agent.next("open");
    agent.send({ type: "refused", stream, head: { status: 404, headers: [] }, body: bytes("no") });
    const response = await pending;
    expect([response.status, await response.text()]).toEqual([404, "no"]);
  });
});
