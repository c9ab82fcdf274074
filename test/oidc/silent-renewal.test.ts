/** An expired session, renewed in the Control UI's hidden frame: once, silently, and for the same person only. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isUnderWay } from "../../worker/renewal-cookie.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { SESSION } from "../unit/worker/app.ts";
import { settingsFor, Visitor, type VisitorOptions } from "./visitor.ts";

const FRAME = { "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin" };
const BACK = { "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" };
const PROBE = "/control-ui-config.json";
const RENEWAL = "/_gate/login/renewal";
let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => {
  provider.reset();
  provider.person = { sub: "alice-1", email: "alice@example.com", email_verified: true, name: "Alice Smith" };
});
afterAll(() => provider.stop());

/** A visitor whose session, alice's, ran out; `expiry` tells one from the next. */
async function expired(options: VisitorOptions = {}, expiry = 1_000): Promise<Visitor> {
  const former = { provider: "fake", issuer: provider.issuer, email: "alice@example.com" };
  const visitor = new Visitor([settingsFor(provider.issuer)], { former, ...options });
  await holdCookie(visitor, expiry);
  return visitor;
}

async function holdCookie(visitor: Visitor, expiresAt: number, session = SESSION): Promise<void> {
  const value = await visitor.gateway.cookies.seal("default", { session, shard: 0, expiresAt });
  visitor.cookies.set("tidegate-default", value);
}

/** @returns where the frame is sent from the probe, by way of our own address */
async function begin(visitor: Visitor): Promise<Response> {
  const probe = await visitor.get(PROBE, FRAME);
  expect([probe.status, probe.headers.get("location")]).toEqual([302, RENEWAL]);
  return visitor.get(RENEWAL, FRAME);
}

async function finish(visitor: Visitor, begun: Response): Promise<Response> {
  return visitor.get(await visitor.visitProvider(begun.headers.get("location") ?? ""), BACK);
}

const code = (response: Response) => response.headers.get("x-tidegate-error");

test("alice comes back as alice: a new session replaces the old one, and the frame ends in a page of 200", async () => {
  const visitor = await expired();
  const begun = await begin(visitor);
  const asked = new URL(begun.headers.get("location") ?? "").searchParams;
  expect([asked.get("prompt"), asked.get("login_hint")]).toEqual(["none", "alice@example.com"]);
  const done = await finish(visitor, begun);
  expect([done.status, code(done), done.headers.get("location")]).toEqual([200, null, null]);
  expect(visitor.calls.signIns).toEqual([
    expect.objectContaining({ subject: "alice-1", renews: SESSION, replaces: SESSION }),
  ]);
  expect([visitor.attempts, [...visitor.cookies.keys()].filter((name) => name.includes("renewal"))]).toEqual([[], []]);
});

test("bob, who is signed in at the provider by now, gets nothing of alice's page, and the page asks who it is", async () => {
  provider.person = { sub: "bob-1", email: "bob@example.com", email_verified: true, name: "Bob" };
  const visitor = await expired();
  const before = visitor.cookies.get("tidegate-default");
  const done = await finish(visitor, await begin(visitor));
  expect([done.status, code(done)]).toEqual([403, "other_person"]);
  expect(visitor.cookies.get("tidegate-default")).toBe(before);
  expect(visitor.logged).toContainEqual(expect.objectContaining({ event: "renewal.failed", reason: "other_person" }));
  // Not by the provider's own word again: that would let bob in without a question.
  expect(new URL(await visitor.leave()).searchParams.get("prompt")).toBe("login");
});

test.each(["login_required", "interaction_required", "consent_required", "temporarily_unavailable"])(
  "the provider's %s ends in a small page that leads nowhere",
  async (error) => {
    provider.faults = {
      callback: (parameters) => {
        parameters.delete("code");
        parameters.set("error", error);
      },
    };
    const visitor = await expired();
    const done = await finish(visitor, await begin(visitor));
    const text = await done.text();
    expect(done.status).toBeGreaterThanOrEqual(400);
    expect(text).not.toMatch(/<a |<form|http-equiv/);
    expect(text.length).toBeLessThan(14_336);
    expect(visitor.calls.signIns).toEqual([]);
    // The interactive sign-in asks nothing special: the person may simply have signed out there.
    expect(new URL(await visitor.leave()).searchParams.get("prompt")).toBeNull();
  },
);

test("one try for each expiry: the next frame ends here, and a later session's expiry gets its own", async () => {
  const visitor = await expired();
  expect((await begin(visitor)).status).toBe(302);
  const again = await begin(visitor);
  expect([again.status, code(again)]).toEqual([401, "session_expired"]);
  await holdCookie(visitor, 2_000);
  expect((await begin(visitor)).status).toBe(302);
});

test("while it is under way the UI's socket is told to wait: for as long as the UI waits for its frame", async () => {
  const now = 1_800_000_000_000;
  const visitor = await expired({ now: () => now });
  await begin(visitor);
  expect(visitor.cookies.get("tidegate-_renewal")).toBe(`1000.${now}.begun`);
  expect(isUnderWay({ outcome: "begun", startedAt: now }, now + 11_000)).toBe(true);
  expect(isUnderWay({ outcome: "begun", startedAt: now }, now + 60_000)).toBe(false);
  expect(isUnderWay({ outcome: "begun", startedAt: now + 60_000 }, now)).toBe(false);
  expect(isUnderWay({ outcome: "failed", startedAt: now }, now)).toBe(false);
  expect(isUnderWay(undefined, now)).toBe(false);
});

describe("nothing is begun", () => {
  test.each<[what: string, headers: Record<string, string>]>([
    ["for a page of its own", { "sec-fetch-dest": "document", "sec-fetch-site": "same-origin" }],
    ["for another site's frame", { "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" }],
    ["for a sub-domain's frame", { "sec-fetch-dest": "iframe", "sec-fetch-site": "same-site" }],
    ["for a browser that does not say", {}],
  ])("%s", async (_what, headers) => {
    const visitor = await expired();
    const response = await visitor.get(RENEWAL, headers);
    expect([response.status, code(response)]).toEqual([401, "unauthenticated"]);
    expect([visitor.calls.objects, visitor.attempts]).toEqual([0, []]);
  });

  test("without a cookie of ours that verifies, and no object hears of it", async () => {
    const visitor = await expired();
    visitor.cookies.set("tidegate-default", "made-up");
    const response = await begin(visitor);
    expect([response.status, code(response)]).toEqual([401, "unauthenticated"]);
    expect([visitor.calls.objects, visitor.attempts]).toEqual([0, []]);
  });

  test("for a session that was ended, or that nobody remembers", async () => {
    const visitor = new Visitor([settingsFor(provider.issuer)]);
    await holdCookie(visitor, 1_000);
    const response = await begin(visitor);
    expect([response.status, code(response), visitor.attempts]).toEqual([401, "session_expired", []]);
  });

  test("where the provider has no silent answer", async () => {
    const visitor = new Visitor([settingsFor(provider.issuer, { kind: "github" })], {
      former: { provider: "fake", issuer: provider.issuer, email: "alice@example.com" },
    });
    await holdCookie(visitor, 1_000);
    expect((await begin(visitor)).status).toBe(400);
    expect(visitor.attempts).toEqual([]);
  });
});

test("somebody who signed in meanwhile keeps their session", async () => {
  const visitor = await expired();
  const begun = await begin(visitor);
  await holdCookie(visitor, 9_000_000_000, "ICEiIyQlJicoKSorLC0uLw");
  const done = await finish(visitor, begun);
  expect([done.status, code(done), visitor.calls.signIns]).toEqual([401, "session_expired", []]);
});

test("who is not let in any more gets no session, and their refresh token is given back", async () => {
  provider.faults = {
    metadata: (metadata) => ({ ...metadata, revocation_endpoint: `${provider.issuer}/revoke` }),
    tokens: (body) => ({ ...body, refresh_token: "r-1" }),
  };
  const visitor = await expired({ admit: () => null });
  const done = await finish(visitor, await begin(visitor));
  expect([done.status, code(done), visitor.calls.signIns]).toEqual([403, "not_allowed", []]);
  expect(provider.seen.find(({ path }) => path === "/revoke")?.form.get("token")).toBe("r-1");
});

test("only the end of a renewal may be framed; a sign-in never", async () => {
  const visitor = await expired();
  const done = await finish(visitor, await begin(visitor));
  expect(done.headers.get("content-security-policy")).toContain("frame-ancestors 'self'");
  const login = await visitor.get("/_gate/login", { "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin" });
  expect([login.status, login.headers.get("content-security-policy")]).toEqual([
    401,
    expect.stringContaining("frame-ancestors 'none'"),
  ]);
});
