import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { CALLER, bytes, Tenant, text } from "./tenant.ts";

let tenant: Tenant;
let keys: Awaited<ReturnType<typeof agentKeys>>;
beforeAll(async () => {
  keys = await agentKeys();
});
beforeEach(() => {
  tenant = new Tenant("resume");
});

/** Not one of the codes that end a link: as good as a cut for the object. */
function cut(agent: FakeAgent): Promise<void> {
  agent.link.disconnect();
  agent.socket.close(1012, "cut");
  // The object has handled the close when it answers something that came after.
  return tenant.stub.readiness().then(() => undefined);
}

const again = (attempt: number, former: FakeAgent) => dialAgent(tenant.stub, keys, { boot: 1, attempt }, former);

async function audited(type: string): Promise<number> {
  return runInDurableObject(tenant.stub, (_object, state) =>
    Number(state.storage.sql.exec("SELECT COUNT(*) AS n FROM audit WHERE type = ?", type).one()["n"]),
  );
}

describe("a link whose connection was cut", () => {
  test("goes on: messages of both sides that crossed the cut arrive once and in order", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    const { stream } = browser;
    await cut(first);
    browser.socket.send("one");
    browser.socket.send("two");
    first.send({ type: "text", stream, bytes: bytes("while cut") });
    const second = await again(2, first);
    expect(second.live).toEqual([stream]);
    expect(await browser.next()).toBe("while cut");
    expect(text((await second.next("text")).bytes)).toBe("one");
    expect(text((await second.next("text")).bytes)).toBe("two");
    second.send({ type: "text", stream, bytes: bytes("after") });
    expect(await browser.next()).toBe("after");
  });

  test("goes on after a loss of memory while nothing was in flight", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    await cut(first);
    await evictDurableObject(tenant.stub);
    const second = await again(2, first);
    expect(second.live).toEqual([browser.stream]);
    browser.socket.send("still here");
    expect(text((await second.next("text")).bytes)).toBe("still here");
  });

  test("goes on although the object still takes the old connection for a living one", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    const second = await again(2, first);
    expect((await first.closed).code).toBe(4408);
    second.send({ type: "text", stream: browser.stream, bytes: bytes("over the new one") });
    expect(await browser.next()).toBe("over the new one");
    expect(await audited("agent.superseded")).toBe(0);
  });

  test("carries a download on from where it was", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const pending = tenant.get(session);
    const { stream } = await first.next("open");
    first.send({ type: "head", stream, head: { status: 200, headers: [] }, body: bytes("one "), end: false });
    const response = await pending;
    await cut(first);
    first.send({ type: "data", stream, bytes: bytes("two ") });
    const second = await again(2, first);
    second.send({ type: "data", stream, bytes: bytes("three") }, { type: "end", stream });
    expect(await response.text()).toBe("one two three");
  });

  test("ends when its grace is over: browsers 1012, and the agent begins anew", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    await cut(first);
    await runInDurableObject(tenant.stub, (_object, state) => {
      state.storage.sql.exec("UPDATE cut_links SET grace_until = 1");
    });
    await evictDurableObject(tenant.stub);
    expect(await runDurableObjectAlarm(tenant.stub)).toBe(true);
    expect(await browser.closed).toEqual({ code: 1012, reason: "connection to the workspace lost" });
    expect((await again(2, first)).live).toBeNull();
  });

  test("is not given to another process of that agent, nor to another agent", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    await cut(first);
    const stranger = await dialAgent(
      tenant.stub,
      await agentKeys(),
      { boot: 1, attempt: 1, agent: "agent-0002" },
      first,
    );
    expect(stranger.live).toBeNull();
    const restarted = await dialAgent(tenant.stub, keys, { boot: 2, attempt: 1 }, first);
    expect(restarted.live).toBeNull();
    expect((await browser.closed).code).toBe(1012);
  });

  test("ends when the agent claims to have received what was never sent", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    first.link.state.received += 5;
    await expect(again(2, first)).rejects.toThrow("4400 bad_acknowledgement");
    expect((await browser.closed).code).toBe(1012);
    const third = await dialAgent(tenant.stub, keys, { boot: 1, attempt: 3 });
    expect((await tenant.open(third, session)).stream).toBe(1);
  });
});

describe("an agent that is away", () => {
  test("makes a request wait, and the next connection serves it", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    await cut(first);
    const pending = tenant.get(session);
    const second = await again(2, first);
    const { stream } = await second.next("open");
    second.send({ type: "head", stream, head: { status: 200, headers: [] }, body: bytes("late"), end: true });
    expect(await (await pending).text()).toBe("late");
  });

  test("does not serve a request whose session ended while it waited", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    await cut(first);
    const pending = tenant.get(session);
    await tenant.stub.endSession(CALLER, session, "revoked");
    expect((await pending).headers.get("x-tidegate-error")).toBe("session_revoked");
  });

  test("holds four requests of a session and answers the fifth at once", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    await cut(first);
    const held = [1, 2, 3, 4].map(() => tenant.get(session));
    expect((await tenant.get(session)).headers.get("x-tidegate-error")).toBe("workspace_away");
    await tenant.stub.endSession(CALLER, session, "signed_out");
    for (const response of held) expect((await response).headers.get("x-tidegate-error")).toBe("session_expired");
  });

  test("opens nothing for a client that left while it waited", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    await cut(first);
    const leaving = new AbortController();
    const gone = tenant.upgrade(session, leaving.signal);
    leaving.abort();
    await expect(gone).rejects.toThrow();
    const second = await again(2, first);
    const stayed = await tenant.open(second, session);
    expect(stayed.stream).toBe(1);
  });
});

describe("several agents of one workspace", () => {
  const standby = (attempt = 1) => ({ boot: 1, attempt, agent: "agent-0002" });

  test("one serves and the other hears nothing until it is its turn", async () => {
    const session = await tenant.session("alice");
    const serving = await dialAgent(tenant.stub, keys);
    const waiting = await dialAgent(tenant.stub, await agentKeys(), standby());
    const browser = await tenant.open(serving, session);
    expect(waiting.link.state.received).toBe(0);
    serving.socket.close(1001, "stopped");
    expect((await browser.closed).code).toBe(1012);
    expect((await waiting.next("roster")).people).toHaveLength(1);
    expect((await tenant.open(waiting, session)).stream).toBe(1);
  });

  test("a stopping agent keeps its open streams, and new ones go to the other", async () => {
    const session = await tenant.session("alice");
    const serving = await dialAgent(tenant.stub, keys);
    const waiting = await dialAgent(tenant.stub, await agentKeys(), standby());
    const old = await tenant.open(serving, session);
    serving.goaway();
    const young = await tenant.open(waiting, session);
    serving.send({ type: "text", stream: old.stream, bytes: bytes("last words") });
    expect(await old.next()).toBe("last words");
    old.socket.send("to the old");
    young.socket.send("to the young");
    expect(text((await serving.next("text")).bytes)).toBe("to the old");
    expect(text((await waiting.next("text")).bytes)).toBe("to the young");
  });

  test("with one standing by, a cut one is given up after five seconds, not thirty", async () => {
    const serving = await dialAgent(tenant.stub, keys);
    await dialAgent(tenant.stub, await agentKeys(), standby());
    await cut(serving);
    const grace = await runInDurableObject(tenant.stub, (_object, state) =>
      Number(state.storage.sql.exec("SELECT grace_until FROM cut_links").one()["grace_until"]),
    );
    expect(grace - Date.now()).toBeGreaterThan(0);
    expect(grace - Date.now()).toBeLessThanOrEqual(5_000);
  });

  test("a key that two processes use is told in the audit", async () => {
    await dialAgent(tenant.stub, keys);
    await dialAgent(tenant.stub, keys, { boot: 2, attempt: 1 });
    expect(await audited("agent.superseded")).toBe(1);
    await expect(dialAgent(tenant.stub, keys, { boot: 1, attempt: 2 })).rejects.toThrow("4409");
    expect(await audited("agent.refused")).toBe(1);
  });
});

describe("an agent that says nothing any more", () => {
  test("is given up within five seconds while something waits for it, and its link can be resumed", async () => {
    const session = await tenant.session("alice");
    const first = await dialAgent(tenant.stub, keys);
    const browser = await tenant.open(first, session);
    first.mute();
    browser.socket.send("anybody there?");
    expect(await first.closed).toEqual({ code: 4408, reason: "silent" });
    expect(text((await first.next("text")).bytes)).toBe("anybody there?");
    const second = await again(2, first);
    second.send({ type: "text", stream: browser.stream, bytes: bytes("yes") });
    expect(await browser.next()).toBe("yes");
  }, 15_000);
});

test("what a browser said last arrives before its close, although it left during a cut", async () => {
  const session = await tenant.session("alice");
  const first = await dialAgent(tenant.stub, keys);
  const browser = await tenant.open(first, session);
  await cut(first);
  browser.socket.send("last words");
  browser.socket.close(4001, "bye");
  await tenant.stub.readiness();
  const second = await again(2, first);
  expect(second.live).toEqual([browser.stream]);
  expect(text((await second.next("text")).bytes)).toBe("last words");
  expect(await second.next("close")).toMatchObject({ stream: browser.stream, code: 4001, reason: "bye" });
});
