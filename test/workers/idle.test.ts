import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { agentKeys, dialAgent } from "./agent.ts";
import { type Browser, bytes, Tenant } from "./tenant.ts";

const SOCKETS = 1_000;

test("a tenant with a thousand open sockets forgets everything when idle, says nothing, and goes on", async () => {
  const tenant = new Tenant("idle");
  const agent = await dialAgent(tenant.stub, await agentKeys());
  const browsers: Browser[] = [];
  for (let person = 0; person < 50; person++) {
    const session = await tenant.session(`person-${person}`);
    for (let n = 0; n < SOCKETS / 50; n++) browsers.push(await tenant.open(agent, session));
  }
  await agent.settled();
  const mark = Symbol.for("memory");
  await runInDurableObject(tenant.stub, (object) => {
    (object as unknown as Record<symbol, boolean>)[mark] = true;
  });
  const before = agent.link.state.received;

  // Waits for every timer and promise of the object: with one that comes again and again it would never return.
  await evictDurableObject(tenant.stub);

  const remembers = await runInDurableObject(
    tenant.stub,
    (object) => (object as unknown as Record<symbol, boolean>)[mark] === true,
  );
  expect(remembers).toBe(false);
  expect(agent.link.state.received).toBe(before);
  for (const browser of [browsers[0]!, browsers[SOCKETS / 2]!, browsers[SOCKETS - 1]!]) {
    browser.socket.send("up");
    expect(await agent.next("text")).toMatchObject({ stream: browser.stream });
    agent.send({ type: "text", stream: browser.stream, bytes: bytes("down") });
    expect(await browser.next()).toBe("down");
    await evictDurableObject(tenant.stub);
  }
}, 60_000);
