/** The tenant's own rules at the end of a real sign-in: who gets a session, and what the others are told. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeProvider } from "../support/fake-provider.ts";
import { settingsFor, Visitor } from "./visitor.ts";

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

const RULES = { ALLOWED_DOMAINS: "example.com", ADMIN_EMAILS: "root@other.example", CONTACT: "help@example.com" };

async function comeAs(claims: Record<string, unknown>, vars: Record<string, string> = RULES) {
  provider.faults = { claims: (usual) => ({ ...usual, ...claims }), userInfo: (usual) => ({ ...usual, ...claims }) };
  const visitor = new Visitor([settingsFor(provider.issuer)], { admit: "as configured", vars });
  return { visitor, ...(await visitor.signIn()) };
}

test.each([
  ["alice@example.com", "user"],
  ["ALICE@EXAMPLE.COM", "user"],
  ["root@other.example", "admin"],
])("%s comes in as %s", async (email, role) => {
  const { visitor, response } = await comeAs({ email, email_verified: true });
  expect(response.status).toBe(303);
  expect(visitor.calls.signIns).toMatchObject([{ email: email.toLowerCase(), role }]);
});

test.each<[Record<string, unknown>, Record<string, string>, string]>([
  [{ email: "eve@evil.example", email_verified: true }, RULES, "not_listed"],
  [{ email: "eve@sub.example.com", email_verified: true }, RULES, "not_listed"],
  [{ email: "root@other.example", email_verified: false }, RULES, "email_not_verified"],
  [{ email: "eve@example.com@evil.example", email_verified: true }, RULES, "email_not_verified"],
  [{ email: "alice@example.com", email_verified: true }, {}, "nobody_allowed"],
])("%j stays outside, is told why and how to switch, and leaves nothing", async (claims, vars, reason) => {
  const { visitor, response, text, code } = await comeAs(claims, vars);
  expect([response.status, code]).toEqual([403, "not_allowed"]);
  expect(text).toContain(reason);
  expect(text).toMatch(/\/_gate\/login\?provider=fake&amp;prompt=select_account/);
  expect([visitor.calls.objects, visitor.sessions]).toEqual([0, []]);
  expect(visitor.logged.find(({ event }) => event === "login.failed")).toMatchObject({ reason });
  expect(JSON.stringify(visitor.logged)).not.toContain(String(claims["email"]));
});
