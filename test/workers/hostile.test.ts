/** What a hostile browser, agent or provider may try at the object, one breach per test. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeFrame } from "#protocol/codec.ts";
import { MAX_ROSTER_BYTES } from "#protocol/limits.ts";
import { RELAY_HEADER, type RelayCall, type SignIn } from "../../durable-objects/rpc.ts";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";

const namespace = (env as unknown as { TENANT: DurableObjectNamespace<TenantObject> }).TENANT;
const bytes = (text: string) => new TextEncoder().encode(text);

let stub: DurableObjectStub<TenantObject>;
let objects = 0;
beforeEach(() => {
  stub = namespace.getByName(`hostile/${objects++}`);
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
    ...more,
  };
}

async function session(person: string, more: Partial<SignIn> = {}): Promise<string> {
  const started = await stub.startSession("default", signIn(person, more));
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

const upgrade = (session: string) =>
  relay(session, { routeClass: "gateway" }, { headers: { upgrade: "websocket" } });

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
