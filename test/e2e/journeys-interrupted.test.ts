/** What a person sees while a part of the whole goes away under them, and afterwards: without doing anything. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Role } from "#protocol/identity.ts";
import { Journeys } from "../support/journeys.ts";
import { OBJECT_NAME } from "../support/local-gateway.ts";

let journeys: Journeys;

beforeAll(async () => {
  journeys = await Journeys.start();
});

afterEach(({ task }) => journeys.leave(task.result?.state === "fail" ? task.name.replaceAll(/\W+/g, "-") : undefined));

afterAll(() => journeys?.stop());

test("OpenClaw restarted in mid-chat: the page says so, comes back by itself, and the chat goes on", async () => {
  const bob = await journeys.visit("bob@example.com");
  await bob.openNewSession();
  await bob.say("before the restart");
  await bob.shows("Demo model: before the restart");
  await bob.composer.fill("half a question");
  const [document, connections] = [await bob.document(), bob.connections];
  await journeys.stack.parts.openclaw?.current.stop();
  await bob.page
    .getByText(/reconnecting|restarting|offline/i)
    .first()
    .waitFor();
  await journeys.picture(bob, "openclaw-restarting");
  await bob.connected(connections + 1);
  expect(await bob.composer.inputValue()).toBe("half a question");
  await bob.say("who am I?");
  await bob.shows("You are bob@example.com");
  await bob.shows("Demo model: before the restart");
  expect(await bob.document()).toBe(document);
  await journeys.picture(bob, "openclaw-restarted");
});

test("the agent restarted in mid-answer: the answer is there whole, once, when the page is back", async () => {
  const bob = await journeys.visit("bob@example.com");
  await bob.openNewSession();
  await bob.say("long story 400");
  await bob.shows("word20 ");
  journeys.hush();
  const [document, connections] = [await bob.document(), bob.connections];
  await journeys.stack.parts.agent?.current.stop();
  // It goes on while nobody can hear it.
  journeys.speak();
  await bob.connected(connections + 1);
  await bob.shows("word400");
  expect((await bob.text()).match(/word399 /g)).toHaveLength(1);
  expect(await bob.document()).toBe(document);
  await journeys.picture(bob, "agent-restarted-in-mid-answer");
});

/** What the gateway asks of the object when alice signs in elsewhere, after her groups have changed. */
async function signInElsewhere(role: Role): Promise<void> {
  const object = await journeys.stack.edge.tenantObject(OBJECT_NAME);
  const email = "alice@example.com";
  const who = { provider: "stub", issuer: "urn:tidegate:stub", subject: email, email, name: "Alice", groups: [], role };
  const rest = { refreshToken: null, providerSessionId: null, userAgent: "", clientAddress: "", replaces: null };
  const started = await object.startSession(
    { tenant: "default", settings: "" },
    { ...who, ...rest, kind: "browser", renews: null },
  );
  expect(started.ok).toBe(true);
}

test("another role acts on the page that is open, both ways, without a reload", async () => {
  const alice = await journeys.visit("alice@example.com");
  await alice.open("/settings/advanced");
  const { page } = alice;
  const switches = page.locator("#control-ui-main").getByRole("switch");
  await switches.first().waitFor();
  const free = () => switches.evaluateAll((all) => all.filter((one) => !(one as HTMLInputElement).disabled).length);
  expect(await free()).toBeGreaterThan(100);
  const document = await alice.document();
  const become = async (role: Role) => {
    const { connections } = alice;
    await signInElsewhere(role);
    await alice.connected(connections + 1);
    const session = await page.context().request.get(`${journeys.stack.url}/_gate/session`);
    expect(await session.json()).toMatchObject({ email: "alice@example.com", role });
  };
  await become("user");
  await expect.poll(free, { timeout: 30_000 }).toBe(0);
  await journeys.picture(alice, "role-taken-away");
  await become("admin");
  await expect.poll(free, { timeout: 30_000 }).toBeGreaterThan(100);
  expect(await alice.closes()).toEqual(expect.arrayContaining([1012, 1012]));
  expect(await alice.document()).toBe(document);
});

test("signing out in one tab takes the other one out at once", async () => {
  const chat = await journeys.visit("alice@example.com");
  const other = await journeys.newTab(chat.page.context());
  await other.page.goto(`${journeys.stack.url}/_gate/logout`);
  await other.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await other.page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await chat.page.getByRole("heading", { name: "You are signed out" }).waitFor({ timeout: 60_000 });
  expect(new URL(chat.page.url()).pathname).toBe("/_gate/signed-out");
  await journeys.picture(chat, "signed-out-in-another-tab");
});

test("another person in the same browser is themselves, and finds nothing half-written when it was removed", async () => {
  const chat = await journeys.visit("alice@example.com");
  const { page } = chat;
  await chat.composer.fill("what alice has not sent");
  await page.goto(`${journeys.stack.url}/_gate/logout`);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("button", { name: "Remove them" }).click();
  await page.getByText("were removed from this browser").waitFor();
  await chat.signInAs("bob@example.com");
  expect(await chat.composer.inputValue()).toBe("");
  await page.getByRole("button", { name: "Identity and app menu for Bob" }).waitFor();
  await chat.openNewSession();
  await chat.say("who am I?");
  await chat.shows("You are bob@example.com");
  await journeys.picture(chat, "another-person");
});
