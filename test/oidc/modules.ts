/** What every reproduced module asserts, in one place. */
import { expect } from "vitest";
import { type Claims, type FakeProvider, type Faults } from "../support/fake-provider.ts";
import { settingsFor, Visitor, type Trip } from "./visitor.ts";

/** A visitor of a gateway whose only provider misbehaves as told. */
export function visitorOf(provider: FakeProvider, faults: Faults = {}): Visitor {
  provider.faults = faults;
  return new Visitor([settingsFor(provider.issuer)]);
}

export function expectSignedIn(someone: Visitor, { response }: Trip): void {
  expect([response.status, response.headers.get("location")]).toEqual([303, "/"]);
  expect(someone.sessions).toHaveLength(1);
  expect(someone.calls.signIns).toHaveLength(1);
  expect(someone.attempts).toEqual([]);
}

/** No cookie, no session row, nothing at an object at all, a page of ours that says nothing secret. */
export function expectRefused(someone: Visitor, { response, text, code }: Trip): void {
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(code).toBe("sign_in_invalid");
  expect(response.headers.get("content-type")).toMatch("text/html");
  expect(someone.cookies.size).toBe(0);
  expect(someone.calls.objects).toBe(0);
  expect(text + JSON.stringify(someone.logged)).not.toMatch(/eyJ|alice|[?&](nonce|code|state)=/);
}

/** {@link expectRefused}, and the access token that came with a bad ID token was used for nothing. */
export async function expectBadIdToken(provider: FakeProvider, faults: Faults): Promise<void> {
  const someone = visitorOf(provider, faults);
  expectRefused(someone, await someone.signIn());
  expect(provider.count("/token")).toBe(1);
  expect(provider.count("/userinfo")).toBe(0);
}

export const without = (name: string) => (claims: Claims) =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
export const nameless = without("kid");
export const changed = (more: Claims) => (claims: Claims) => ({ ...claims, ...more });
