/** What OpenClaw is told of where people are. */
import { expect, test } from "vitest";
import { agentKeys, dialAgent } from "./agent.ts";
import { CALLER, Tenant } from "./tenant.ts";

/** @returns the address in the OPEN of a request of each of these people */
async function addresses(tenant: Tenant, ...people: string[]): Promise<string[]> {
  const agent = await dialAgent(tenant.stub, await agentKeys());
  const seen: string[] = [];
  for (const person of people) {
    const pending = tenant.get(await tenant.session(person));
    const { head, stream } = await agent.next("open");
    seen.push(head.clientAddress);
    agent.send({ type: "reset", stream, code: 2 });
    await pending;
  }
  return seen;
}

test("their address, unless the tenant document says otherwise", async () => {
  expect(await addresses(new Tenant("address"), "alice")).toEqual(["192.0.2.1"]);
});

test("masked, an address that is nobody's: always the same for one person, another for each", async () => {
  const tenant = new Tenant("address");
  tenant.settings = JSON.stringify({ ...JSON.parse(CALLER.settings), clientAddress: "masked" });
  const [alice, bob, again] = await addresses(tenant, "alice", "bob", "alice");
  expect(alice).toMatch(/^2001:db8:([0-9a-f]{1,4}:){5}[0-9a-f]{1,4}$/);
  expect(again).toBe(alice);
  expect(bob).not.toBe(alice);
  const kept = await tenant.sql<{ address: string }>("SELECT DISTINCT address FROM sessions");
  expect(kept).toEqual([{ address: "192.0.2.1" }]);
});
