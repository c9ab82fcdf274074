/** oauth2-proxy's advisories, and the threats T10 to T12, as far as they concern signing in. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifiedEmail } from "../../worker/oidc/claims.ts";
import { FakeProvider, type Claims } from "../support/fake-provider.ts";
import { ORIGIN, SESSION } from "../unit/worker/app.ts";
import { settingsFor, Visitor } from "./visitor.ts";

let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

const newVisitor = () => new Visitor([settingsFor(provider.issuer)]);

describe("GHSA-4mf2-f3wh-gvf2, 5m6c-jp6f-2vcv, j7px-6hwj-hpjg, qqxw-m5fj-f7gv: open redirects", () => {
  test.each([
    "//evil.example",
    "/\\evil.example",
    "/%09/evil.example\t",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example/",
    "https:evil.example",
    "/_gate/logout",
    "/a/../../\\evil.example",
    "/@evil.example/..//evil.example",
    "http://localhost:8080.evil.example/",
    " /chat",
  ])("signing in never ends at %j", async (next) => {
    const visitor = newVisitor();
    const { response } = await visitor.signIn(`/_gate/login?next=${encodeURIComponent(next)}`);
    const location = response.headers.get("location") ?? "";
    expect(new URL(location, ORIGIN).origin).toBe(ORIGIN);
    expect(location).toMatch(/^\/(?![/\\])/);
    expect(location).not.toMatch(/^\/_gate/);
  });

  test.each([
    "https://evil.example/chat",
    "//evil.example",
    `${ORIGIN}.evil.example/`,
    "http://localhost:8080@evil.example/",
  ])("nor does target_link_uri %j of another site count", async (link) => {
    const { response } = await newVisitor().signIn(`/_gate/login?target_link_uri=${encodeURIComponent(link)}`);
    expect(response.headers.get("location")).toBe("/");
  });
});

test.each([
  "admin@evil.example@example.com",
  '"admin@evil.example"@example.com',
  "admin@example.com@",
  "admin@example.com,eve@evil.example",
  "admin@example.com\n",
  "admin@example.com ",
  "<admin@example.com>",
  "@example.com",
  "admin@ex\u00e4mple.com",
  "a..b@example.com",
  42,
  ["admin@example.com"],
  null,
])("GHSA-c5c4-8r6x-56w3: %j is no address, so no domain rule sees it", (email) => {
  const own = settingsFor("https://op.example", { emailDomains: ["example.com"] });
  expect(verifiedEmail(own, { email, email_verified: true })).toBeNull();
});

test("GHSA-f24x-5g9q-753f: a session that was there before ends; its id does not survive the sign-in", async () => {
  const visitor = newVisitor();
  const fixed = await visitor.gateway.cookie(Date.now() / 1000 + 60);
  visitor.cookies.set("tidegate-default", fixed.split("=")[1] ?? "");
  await visitor.signIn();
  expect(visitor.calls.signIns[0]).toMatchObject({ subject: "alice-1", replaces: SESSION });
  expect(`tidegate-default=${visitor.cookies.get("tidegate-default")}`).not.toBe(fixed);
});

test("GHSA-652x-m2gr-hppm: groups that cannot be read are none, not all", async () => {
  for (const groups of [undefined, null, 7, { staff: true }, [["staff"], 1, ""]]) {
    provider.faults = { userInfo: (claims) => ({ ...claims, groups }) };
    const visitor = new Visitor([settingsFor(provider.issuer, { groupsClaim: "groups" })]);
    await visitor.signIn();
    expect(visitor.calls.signIns[0]?.groups).toEqual([]);
  }
});

describe("T10: whose e-mail is it", () => {
  test.each<[what: string, claims: Claims, domains: string[] | null, email: string | null]>([
    ["verified", { email: "Bob@Example.com", email_verified: true }, null, "bob@example.com"],
    ["unverified", { email: "bob@example.com", email_verified: false }, null, null],
    ["of unknown standing", { email: "bob@example.com" }, null, null],
    ["of an own domain and of unknown standing", { email: "bob@example.com" }, ["example.com"], "bob@example.com"],
    ["of an own domain but denied", { email: "bob@example.com", email_verified: false }, ["example.com"], null],
    ["of a foreign domain", { email: "admin@example.com", email_verified: true }, ["partner.example"], null],
    ["of a sub-domain", { email: "a@x.example.com", email_verified: true }, ["example.com"], null],
    ["of a longer domain", { email: "a@notexample.com", email_verified: true }, ["example.com"], null],
    ["only a preferred_username", { preferred_username: "bob@example.com", upn: "bob@example.com" }, null, null],
  ])("an address that is %s", (_what, claims, emailDomains, email) => {
    expect(verifiedEmail(settingsFor("https://op.example", { emailDomains }), claims)).toBe(email);
  });

  test("UserInfo cannot lend its verification to another address of the ID token", async () => {
    provider.faults = {
      claims: (claims) => ({ ...claims, email: "admin@example.com" }),
      userInfo: (claims) => ({ ...claims, email: "eve@example.com", email_verified: true }),
    };
    const visitor = newVisitor();
    expect((await visitor.signIn()).code).toBe("not_allowed");
  });

  test("at Entra's common issuer only Microsoft's own proof of the domain counts", () => {
    const entra = settingsFor("https://login.microsoftonline.com/common/v2.0", { entraTenants: ["t"] });
    expect(verifiedEmail(entra, { email: "a@example.com", email_verified: true })).toBeNull();
    expect(verifiedEmail(entra, { email: "a@example.com", xms_edov: true })).toBe("a@example.com");
  });
});

describe("T11: mix-up", () => {
  const expectInvalid = async (visitor: Visitor, target: string, code = "sign_in_invalid") => {
    const trip = await visitor.arrive(target);
    expect([trip.response.status, trip.code]).toEqual([400, code]);
    expect([provider.count("/token"), visitor.calls.objects, visitor.cookies.size]).toEqual([0, 0, 0]);
  };

  test("an advertised iss that is missing, and one that is another's", async () => {
    for (const change of [
      (parameters: URLSearchParams) => parameters.delete("iss"),
      (parameters: URLSearchParams) => parameters.set("iss", "https://honest.example"),
      (parameters: URLSearchParams) => parameters.set("iss", `${provider.issuer}/`),
      (parameters: URLSearchParams) => parameters.append("iss", "https://honest.example"),
    ]) {
      provider.reset();
      provider.faults = { callback: change };
      const visitor = newVisitor();
      await expectInvalid(visitor, await visitor.visitProvider(await visitor.leave()));
    }
  });

  test("an iss that nobody advertised is checked all the same, and may be missing", async () => {
    const metadata = (all: Claims) => ({ ...all, authorization_response_iss_parameter_supported: undefined });
    provider.faults = { metadata, callback: (parameters) => parameters.set("iss", "https://evil.example") };
    const deceived = newVisitor();
    await expectInvalid(deceived, await deceived.visitProvider(await deceived.leave()));
    provider.faults = { metadata, callback: (parameters) => parameters.delete("iss") };
    expect((await newVisitor().signIn()).response.status).toBe(303);
  });

  test("a code of another attempt does not fit this one's verifier", async () => {
    const [mallory, alice] = [newVisitor(), newVisitor()];
    const stolen =
      new URL(ORIGIN + (await mallory.visitProvider(await mallory.leave()))).searchParams.get("code") ?? "";
    const own = new URL(ORIGIN + (await alice.visitProvider(await alice.leave())));
    own.searchParams.set("code", stolen);
    const { code } = await alice.arrive(own.pathname + own.search);
    expect([code, alice.calls.objects, provider.count("/userinfo")]).toEqual(["sign_in_invalid", 0, 0]);
  });

  test("a callback without a code, and one with tokens in it", async () => {
    provider.faults = { callback: (parameters) => parameters.delete("code") };
    const visitor = newVisitor();
    await expectInvalid(visitor, await visitor.visitProvider(await visitor.leave()));
    const other = newVisitor();
    const target = await other.visitProvider(await other.leave());
    expect((await other.arrive(`${target}&id_token=eyJ`)).code).toBe("credentials_in_query");
  });
});

describe("T12: login CSRF", () => {
  test("a callback address of an attacker's own sign-in signs nobody in at a victim's browser", async () => {
    const [mallory, victim] = [newVisitor(), newVisitor()];
    const target = await mallory.visitProvider(await mallory.leave());
    await victim.leave();
    const { code } = await victim.arrive(target);
    expect([code, victim.sessions, provider.count("/token")]).toEqual(["attempt_expired", [], 0]);
  });

  test("who knows half of a state can neither use nor spoil the attempt", async () => {
    const visitor = newVisitor();
    const target = await visitor.visitProvider(await visitor.leave());
    const forged = target.replace(/(state=[\w-]{11}\.)[\w-]{32}/, `$1${"A".repeat(32)}`);
    expect(forged).not.toBe(target);
    expect((await visitor.arrive(forged)).code).toBe("attempt_expired");
    expect([visitor.attempts.length, provider.count("/token")]).toEqual([1, 0]);
    expect((await visitor.arrive(target)).response.status).toBe(303);
  });

  test("an attempt that was planted under a known name does not open", async () => {
    const [mallory, victim] = [newVisitor(), newVisitor()];
    const first = await mallory.visitProvider(await mallory.leave());
    await mallory.leave();
    const [one = "", two = ""] = mallory.attempts;
    victim.cookies.set(one, mallory.cookies.get(two) ?? "");
    expect((await victim.arrive(first)).code).toBe("attempt_expired");
  });

  test.each(["", "?code=x", "?state=", "?state=x", `?state=AAAAAAAAAAA.${"A".repeat(32)}`])(
    "a callback with %j asks nobody anything",
    async (query) => {
      const visitor = newVisitor();
      expect((await visitor.arrive(`/_gate/callback/fake${query}`)).code).toBe("attempt_expired");
      expect([provider.seen.length, visitor.calls.objects]).toEqual([0, 0]);
    },
  );
});

test("the provider's error is a page of ours that repeats nothing of it", async () => {
  for (const [error, status, expected] of [
    ["access_denied", 403, "sign_in_cancelled"],
    ["login_required", 403, "sign_in_cancelled"],
    ["server_error", 400, "sign_in_invalid"],
    ["<script>alert(1)</script>", 400, "sign_in_invalid"],
  ] as const) {
    provider.faults = {
      callback: (parameters) => {
        parameters.delete("code");
        parameters.set("error", error);
        parameters.set("error_description", "call 0900-12345 <b>now</b>");
      },
    };
    const visitor = newVisitor();
    const { response, text, code } = await visitor.signIn();
    expect([response.status, code, visitor.cookies.size]).toEqual([status, expected, 0]);
    expect(text + JSON.stringify(visitor.logged)).not.toMatch(/0900|alert/);
  }
});

test("a script's own fetch is told to sign in, and is not sent to another site", async () => {
  const visitor = newVisitor();
  const response = await visitor.get("/_gate/login", { "sec-fetch-mode": "cors", accept: "application/json" });
  expect([response.status, response.headers.get("x-tidegate-error")]).toEqual([401, "unauthenticated"]);
  expect([visitor.cookies.size, provider.seen.length]).toEqual([0, 0]);
});

test("our own cookies never travel on to OpenClaw", async () => {
  const visitor = newVisitor();
  await visitor.leave();
  await visitor.signIn();
  await visitor.leave();
  await visitor.get("/");
  expect(visitor.attempts.length).toBeGreaterThan(0);
  expect(visitor.calls.relayed[0]?.headers.get("cookie")).toBeNull();
});
