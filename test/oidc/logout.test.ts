/** Logout by the provider and by the person, through the routes: what reaches an object, and what never does. */
import { SignJWT, base64url } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CLIENT_ID, CLIENT_SECRET, FakeProvider, newSigningKey, type Claims } from "../support/fake-provider.ts";
import { ORIGIN } from "../unit/worker/app.ts";
import { settingsFor, Visitor, type VisitorOptions } from "./visitor.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const FORM = "application/x-www-form-urlencoded";
let provider: FakeProvider;
let visitor: Visitor;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => {
  provider.reset();
  visitor = newVisitor();
});
afterAll(() => provider.stop());

const newVisitor = (options: VisitorOptions = {}) => new Visitor([settingsFor(provider.issuer)], options);
const now = () => Math.floor(Date.now() / 1000);
const changed = (more: Claims) => (claims: Claims) => ({ ...claims, ...more });
const good = (more: Claims = {}): Claims => ({
  iss: provider.issuer,
  aud: CLIENT_ID,
  iat: now(),
  exp: now() + 120,
  jti: crypto.randomUUID(),
  sub: "alice-1",
  sid: "s-1",
  events: { [EVENT]: {} },
  ...more,
});

/** As a provider's server sends it: no `Origin`, no cookie. */
function tell(token: string, init: RequestInit = {}): Promise<Response> {
  const body = new URLSearchParams({ logout_token: token }).toString();
  return visitor.gateway.send("/_gate/backchannel-logout", {
    method: "POST",
    body,
    ...init,
    headers: { "content-type": FORM, ...(init.headers as Record<string, string>) },
  });
}

async function expectRefused(response: Response): Promise<void> {
  expect([response.status, response.headers.get("cache-control")]).toEqual([400, "no-store"]);
  expect([visitor.calls.objects, visitor.calls.logouts]).toEqual([0, []]);
  expect(await response.json()).toEqual({ error: "invalid_request" });
}

describe("back-channel", () => {
  test.each([
    ["a subject and a session", {}, { subject: "alice-1", providerSessionId: "s-1" }],
    ["a subject alone", { sid: undefined }, { subject: "alice-1", providerSessionId: null }],
    ["a session alone", { sub: undefined }, { subject: null, providerSessionId: "s-1" }],
  ])("a token that names %s is passed on, and is answered with 200 and no-store", async (_name, more, named) => {
    const claims = good(more);
    const response = await tell(await provider.sign(claims));
    expect([response.status, response.headers.get("cache-control"), await response.text()]).toEqual([
      200,
      "no-store",
      "",
    ]);
    expect(visitor.calls.logouts).toEqual([{ issuer: provider.issuer, tokenId: claims["jti"], ...named }]);
  });

  test.each<[name: string, claims: Claims]>([
    ["another audience", { aud: "other" }],
    ["no event", { events: undefined }],
    ["another event", { events: { "http://other.example/event": {} } }],
    ["a nonce", { nonce: "n" }],
    ["an issuer that is nobody's", { iss: "https://other.example" }],
    ["no jti", { jti: undefined }],
    ["no iat", { iat: undefined }],
    ["an iat of ten minutes ago", { iat: now() - 600 }],
    ["neither subject nor session", { sub: undefined, sid: undefined }],
    ["an e-mail instead of a subject", { sub: undefined, sid: undefined, email: "alice@example.com" }],
  ])("a token with %s is refused, and no object hears of it", async (_name, more) => {
    await expectRefused(await tell(await provider.sign(good(more))));
  });

  test("a token of another type, of no algorithm, of the client's secret, or of a stranger's key is refused", async () => {
    const secret = new TextEncoder().encode(CLIENT_SECRET);
    const tokens = [
      `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(good()))}.`,
      await new SignJWT(good()).setProtectedHeader({ alg: "HS256" }).sign(secret),
      await provider.sign(good(), await newSigningKey("one")),
      "x.y.z",
      "",
    ];
    provider.faults = { header: changed({ typ: "at+jwt" }) };
    tokens.push(await provider.sign(good()));
    for (const token of tokens) await expectRefused(await tell(token));
  });

  test("a token that was used before is refused", async () => {
    const token = await provider.sign(good());
    const seen = new Set<string>();
    const object = {
      providerLogout: async (_call: unknown, { tokenId }: { tokenId: string }) => {
        if (seen.has(tokenId)) return { ok: false, code: "replayed" };
        seen.add(tokenId);
        return { ok: true, value: { sessions: 1 } };
      },
      takeSpentTokens: async () => ({ ok: true, value: [] }),
    };
    visitor = newVisitor({ object: object as never });
    expect([(await tell(token)).status, (await tell(token)).status]).toEqual([200, 400]);
    expect(visitor.logged).toContainEqual(
      expect.objectContaining({ event: "logout.refused", reason: "logout_replayed" }),
    );
  });

  test("a form that is too large, another type of body, none, or two tokens are refused", async () => {
    const token = await provider.sign(good());
    const two = new URLSearchParams([
      ["logout_token", token],
      ["logout_token", token],
    ]).toString();
    for (const body of [`logout_token=${token}&x=${"y".repeat(40_000)}`, two, "", "logout_token"]) {
      await expectRefused(await tell(token, { body }));
    }
    await expectRefused(await tell(token, { headers: { "content-type": "application/json" } }));
  });

  test("a thousand made-up key ids make at most one more look at the keys", async () => {
    await tell(await provider.sign(good()));
    provider.seen.length = 0;
    visitor.calls.objects = 0;
    visitor.calls.logouts.length = 0;
    const token = await provider.sign(good());
    const [, payload = "", signature = ""] = token.split(".");
    for (let n = 0; n < 1_000; n++) {
      const header = base64url.encode(JSON.stringify({ alg: "RS256", kid: `made-up-${n}` }));
      expect((await tell(`${header}.${payload}.${signature}`)).status).toBe(400);
    }
    expect([provider.count("/jwks"), provider.seen.length, visitor.calls.objects]).toEqual([1, 1, 0]);
  });

  test("one of two clients at one issuer hears of its own", async () => {
    visitor = new Visitor([
      settingsFor(provider.issuer, { id: "first", clientId: "first-client" }),
      settingsFor(provider.issuer, { id: "second" }),
    ]);
    expect((await tell(await provider.sign(good()))).status).toBe(200);
  });

  test("only this very route takes another site's write", async () => {
    const token = await provider.sign(good());
    const body = new URLSearchParams({ logout_token: token }).toString();
    for (const target of [
      "/_gate/backchannel-logout/",
      "/_gate/backchannel-logout?x=1",
      "/_gate/logout",
      "/_gate/logout/everywhere",
      "/_gate/Backchannel-logout",
    ]) {
      const init = { method: "POST", body, headers: { "content-type": FORM, origin: provider.issuer } };
      expect((await visitor.gateway.send(target, init)).status).toBe(403);
    }
    expect((await tell(token, { headers: { origin: provider.issuer } })).status).toBe(200);
    expect((await visitor.get("/_gate/backchannel-logout")).status).toBe(404);
  });

  test("no line of the log holds a token, a subject or a session's name", async () => {
    const token = await provider.sign(good());
    await tell(token);
    await tell(await provider.sign(good({ nonce: "n" })));
    const log = JSON.stringify(visitor.logged);
    for (const secret of [token, "alice-1", "s-1"]) expect(log).not.toContain(secret);
  });
});

describe("front-channel", () => {
  const address = (named: Record<string, string>) => `/_gate/frontchannel-logout?${new URLSearchParams(named)}`;
  const names = () => ({ iss: provider.issuer, sid: "s-1" });

  async function signIn(): Promise<void> {
    provider.faults = { claims: changed({ sid: "s-1" }) };
    expect((await visitor.signIn()).response.status).toBe(303);
    visitor.calls.objects = 0;
  }

  test("oidcc-client-test-rp-frontchannel-rpinitlogout", async () => {
    await signIn();
    const cookie = visitor.cookies.get("tidegate-front-channel") ?? "";
    // Nothing but that cookie comes into another site's frame.
    for (const name of visitor.cookies.keys()) if (name !== "tidegate-front-channel") visitor.cookies.delete(name);
    const response = await visitor.get(address(names()), { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" });
    expect([response.status, visitor.calls.ended.length, visitor.cookies.size]).toEqual([200, 1, 0]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-security-policy")).toContain(`frame-ancestors ${provider.issuer}`);
    expect(response.headers.get("x-frame-options")).toBeNull();
    expect(cookie).not.toContain("s-1");
  });

  test("its cookie goes to its one path, into frames, and to no script", async () => {
    provider.faults = { claims: changed({ sid: "s-1" }) };
    const { response } = await visitor.signIn();
    const line = response.headers.getSetCookie().find((text) => text.startsWith("tidegate-front-channel="));
    for (const part of ["Path=/_gate/frontchannel-logout", "HttpOnly", "Secure", "SameSite=None"]) {
      expect(line).toContain(part);
    }
  });

  test("oidcc-client-test-rp-frontchannel-opinitlogout", async () => {
    await signIn();
    const kept = visitor.cookies.get("tidegate-front-channel") ?? "";
    for (const [named, cookie] of [
      [names(), undefined],
      [names(), "made-up"],
      [names(), visitor.cookies.get("tidegate-default")],
      [{ ...names(), sid: "s-2" }, kept],
    ] as const) {
      visitor.cookies.delete("tidegate-front-channel");
      if (cookie !== undefined) visitor.cookies.set("tidegate-front-channel", cookie);
      expect((await visitor.get(address(named))).status).toBe(200);
    }
    expect([visitor.calls.objects, visitor.calls.ended]).toEqual([0, []]);
  });

  test("an issuer that is nobody's, and a request that does not name both, are refused", async () => {
    await signIn();
    const refused = [
      [address({ ...names(), iss: "https://other.example" }), 404],
      [address({ iss: provider.issuer }), 400],
      [address({ sid: "s-1" }), 400],
      [`${address(names())}&sid=s-2`, 400],
      ["/_gate/frontchannel-logout", 400],
    ] as const;
    for (const [target, status] of refused) expect((await visitor.get(target)).status).toBe(status);
    expect([visitor.calls.objects, visitor.calls.ended]).toEqual([0, []]);
  });

  test("a sign-in without the provider's session id leaves no such cookie", async () => {
    await visitor.signIn();
    expect([...visitor.cookies.keys()]).not.toContain("tidegate-front-channel");
  });
});

describe("signing out everywhere", () => {
  const session = () => ({
    person: "alice-key",
    provider: "fake",
    issuer: provider.issuer,
    email: "alice@example.com",
    name: null,
    role: "user" as const,
    user: "alice@example.com",
    createdAt: 0,
    lastSeenAt: 0,
    idleExpiresAt: 0,
    expiresAt: 0,
  });
  const leave = async (origin = ORIGIN) =>
    visitor.gateway.send("/_gate/logout/everywhere", {
      method: "POST",
      headers: { origin, cookie: [...visitor.cookies].map((pair) => pair.join("=")).join("; ") },
    });

  test("ends every session that the person has at the assistant, and goes on to the provider", async () => {
    visitor = newVisitor({ session: session() });
    await visitor.signIn();
    const response = await leave();
    expect(visitor.calls.revoked).toEqual([{ assistantsOf: "alice-key" }]);
    expect(await response.text()).toContain(`${provider.issuer}/logout`);
    expect(response.headers.getSetCookie().some((line) => /^tidegate-default=.*Max-Age=600/.test(line))).toBe(true);
  });

  test("takes the person's own live session, and a request of our own pages", async () => {
    await visitor.signIn();
    expect((await leave()).status).toBe(401);
    visitor = newVisitor({ session: session() });
    expect((await leave()).status).toBe(401);
    await visitor.signIn();
    expect((await leave("https://evil.example")).status).toBe(403);
    expect(visitor.calls.revoked).toEqual([]);
  });
});
