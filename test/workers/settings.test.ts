/** What the tenant document says reaches the object with each call, and stays. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import { DEFAULT_SETTINGS, type TenantSettings } from "../../durable-objects/tenant-settings.ts";
import { agentKeys, dialAgent, type FakeAgent } from "./agent.ts";
import { Tenant } from "./tenant.ts";

const NO_CHATS: TenantSettings = { ...DEFAULT_SETTINGS, policy: [{ class: "gateway", roles: ["admin"] }] };

let tenant: Tenant;
let agent: FakeAgent;
beforeEach(async () => {
  tenant = new Tenant("settings");
  agent = await dialAgent(tenant.stub, await agentKeys());
});

test("a changed policy closes the sockets that it no longer allows, at once", async () => {
  const session = await tenant.session("alice");
  const browser = await tenant.open(agent, session);
  tenant.settings = JSON.stringify(NO_CHATS);
  void tenant.get(session);
  expect(await browser.closed).toMatchObject({ code: 1008 });
  const refused = await tenant.upgrade(session);
  expect(refused.status).toBe(403);
});

test("what came last holds after a loss of memory, for calls that bring nothing", async () => {
  const session = await tenant.session("alice");
  tenant.settings = JSON.stringify(NO_CHATS);
  const refused = await tenant.upgrade(session);
  expect(refused.status).toBe(403);
  // An object with an answer that nobody has read is not idle.
  await refused.text();
  await evictDurableObject(tenant.stub);
  tenant.settings = "";
  expect((await tenant.upgrade(session)).status).toBe(403);
});
