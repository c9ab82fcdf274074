import { runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { Tenant } from "./tenant.ts";

let tenant: Tenant;
let agent: FakeAgent;
let keys: Awaited<ReturnType<typeof agentKeys>>;
beforeAll(async () => {
  keys = await agentKeys();
});
beforeEach(async () => {
  tenant = new Tenant("denied");
  agent = await dialAgent(tenant.stub, keys);
});

function audited(): Promise<unknown[]> {
  return runInDurableObject(tenant.stub, (_, { storage }) =>
    storage.sql
      .exec<{ json: string }>("SELECT json FROM audit WHERE type = 'request.denied'")
      .toArray()
      .map(({ json }) => JSON.parse(json) as unknown),
  );
}

test("OPEN tells the person's role", async () => {
  const response = tenant.get(await tenant.session("alice"));
  const { head, stream } = await agent.next("open");
  expect(head.role).toBe("user");
  agent.send({ type: "head", stream, head: { status: 204, headers: [] }, body: new Uint8Array(0), end: true });
  await response;
});

test("what the agent kept from OpenClaw is audited with the person whose socket it was", async () => {
  const { stream } = await tenant.open(agent, await tenant.session("alice"));
  agent.send({ type: "denied", stream, reason: "method", method: "tools.invoke", count: 1 });
  await agent.settled();
  expect(await audited()).toEqual([{ person: expect.any(String), reason: "method", method: "tools.invoke", count: 1 }]);
});

test("an agent that tells more than it should fills no audit", async () => {
  const { stream } = await tenant.open(agent, await tenant.session("alice"));
  for (let count = 1; count <= 200; count++) {
    agent.send({ type: "denied", stream, reason: "method", method: `wake${count}`, count });
  }
  await agent.settled();
  expect((await audited()).length).toBeLessThan(30);
});

test("of a stream that is not a socket it is a breach", async () => {
  void tenant.get(await tenant.session("alice"));
  const { stream } = await agent.next("open");
  agent.send({ type: "denied", stream, reason: "method", method: "wake", count: 1 });
  expect(await agent.closed).toEqual({ code: 4400, reason: "illegal_step" });
});
