import { evictDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { INITIAL_CREDIT_BYTES, MAX_MESSAGE_BYTES, MAX_OBJECT_BYTES, SMALL_CREDIT_BYTES } from "#protocol/limits.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { Tenant } from "./tenant.ts";

const FULL_WINDOWS = MAX_OBJECT_BYTES / INITIAL_CREDIT_BYTES;

let tenant: Tenant;
let agent: FakeAgent;
let keys: Awaited<ReturnType<typeof agentKeys>>;
beforeAll(async () => {
  keys = await agentKeys();
});
beforeEach(async () => {
  tenant = new Tenant("bounds");
  agent = await dialAgent(tenant.stub, keys);
});

async function openGet(session: string) {
  const response = tenant.get(session);
  const { stream, head } = await agent.next("open");
  const finish = async () => {
    agent.send({ type: "head", stream, head: { status: 204, headers: [] }, body: new Uint8Array(0), end: true });
    await response;
  };
  return { credit: head.credit, finish };
}

describe("what one object holds for all its streams", () => {
  test("is granted in full windows up to 32 MiB, then in small ones, and given back", async () => {
    const session = await tenant.session("alice");
    const open = [];
    for (let n = 0; n < FULL_WINDOWS; n++) open.push(await openGet(session));
    expect(open.every(({ credit }) => credit === INITIAL_CREDIT_BYTES)).toBe(true);
    const small = await openGet(session);
    expect(small.credit).toBe(SMALL_CREDIT_BYTES);
    await open[0]!.finish();
    expect((await openGet(session)).credit).toBe(INITIAL_CREDIT_BYTES);
    await small.finish();
    expect((await openGet(session)).credit).toBe(SMALL_CREDIT_BYTES);
  });

  test("counts a window once: a browser that leaves while the object sleeps gives back only its own", async () => {
    const leaving = await tenant.open(agent, await tenant.session("alice"));
    await tenant.open(agent, await tenant.session("bob"));
    await evictDurableObject(tenant.stub, { webSockets: "hibernate" });
    leaving.socket.close(1000);
    await agent.next("close");
    const carol = await tenant.session("carol");
    const open = [];
    for (let n = 0; n < FULL_WINDOWS; n++) open.push(await openGet(carol));
    expect(open.at(-2)?.credit).toBe(INITIAL_CREDIT_BYTES);
    expect(open.at(-1)?.credit).toBe(SMALL_CREDIT_BYTES);
  });

  test("has room for one largest message of a browser; the next browser that sends one is told to come back", async () => {
    const first = await tenant.open(agent, await tenant.session("alice"));
    const second = await tenant.open(agent, await tenant.session("bob"));
    first.socket.send(new Uint8Array(MAX_MESSAGE_BYTES));
    await agent.next("piece");
    second.socket.send(new Uint8Array(MAX_MESSAGE_BYTES / 2));
    expect(await second.closed).toEqual({ code: 1013, reason: "the gateway is busy" });
  });

  test("ends a browser whose message is larger than OpenClaw takes", async () => {
    const browser = await tenant.open(agent, await tenant.session("alice"));
    browser.socket.send(new Uint8Array(MAX_MESSAGE_BYTES + 1));
    expect(await browser.closed).toEqual({ code: 1009, reason: "message too large" });
    expect(await agent.next("close")).toMatchObject({ stream: browser.stream, code: 1009 });
  });

  test("ends a browser that sends faster than OpenClaw reads", async () => {
    const browser = await tenant.open(agent, await tenant.session("alice"));
    for (let n = 0; n < 40; n++) browser.socket.send(new Uint8Array(200 * 1024));
    expect((await browser.closed).code).toBe(1013);
  });
});
