/** The modules about UserInfo, client authentication, discovery, keys, claims from elsewhere, and foreign starts. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CLIENT_ID, CLIENT_SECRET, FakeProvider, newSigningKey, type Faults } from "../support/fake-provider.ts";
import { changed, expectRefused, expectSignedIn, visitorOf } from "./modules.ts";
import { settingsFor, Visitor } from "./visitor.ts";

let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

const visitor = (faults?: Faults) => visitorOf(provider, faults);

test("oidcc-client-test-userinfo-invalid-sub", async () => {
  const someone = visitor({ userInfo: changed({ sub: "bob-1" }) });
  expectRefused(someone, await someone.signIn());
});

test("oidcc-client-test-scope-userinfo-claims", async () => {
  const claims = {
    address: { locality: "Bremen" },
    phone_number: "+49 421 0",
    given_name: "Alice",
    family_name: "Smith",
  };
  const someone = visitor({ userInfo: changed({ ...claims, name: undefined }) });
  expectSignedIn(someone, await someone.signIn());
  expect(someone.calls.signIns[0]).toMatchObject({ email: "alice@example.com", name: "Alice Smith" });
});

test("oidcc-client-test-userinfo-bearer-header", async () => {
  const someone = visitor();
  await someone.signIn();
  const [asked] = provider.seen.filter(({ path }) => path === "/userinfo");
  expect([asked?.method, asked?.form.size]).toEqual(["GET", 0]);
  expect(asked?.authorization).toMatch(/^Bearer [\w-]{36}$/);
});

test("oidcc-client-test-client-secret-basic", async () => {
  const someone = visitor();
  expectSignedIn(someone, await someone.signIn());
  const [asked] = provider.seen.filter(({ path }) => path === "/token");
  const [scheme, credentials = ""] = asked?.authorization?.split(" ") ?? [];
  // RFC 6749 section 2.3.1: form-encoded before Base64.
  const [id = "", secret = ""] = atob(credentials).split(":");
  const decoded = [id, secret].map((part) => decodeURIComponent(part.replaceAll("+", " ")));
  expect([scheme, ...decoded]).toEqual(["Basic", CLIENT_ID, CLIENT_SECRET]);
  expect(asked?.form.has("client_secret")).toBe(false);
});

test("oidcc-client-test-form-post-error", async () => {
  const someone = visitor();
  const state = new URL(await someone.leave()).searchParams.get("state") ?? "";
  const response = await someone.gateway.send("/_gate/callback/fake", {
    method: "POST",
    headers: { origin: provider.issuer, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ error: "access_denied", state }).toString(),
  });
  expect(response.status).toBe(403);
  expect(someone.calls.objects).toBe(0);
});

test("oidcc-client-test-ignores-unparseable-key-in-jwks", async () => {
  const someone = visitor({
    jwks: (keys) => [
      { kty: "AKP", alg: "ML-DSA-44", kid: "one", pub: "AAAA" },
      { kty: "made-up", kid: "one" },
      null,
      "text",
      { kid: "one" },
      { kty: "RSA", kid: "torn", n: "!", e: "AQAB" },
      ...keys,
    ],
  });
  expectSignedIn(someone, await someone.signIn());
});

test.each([
  ["oidcc-client-test-discovery-openid-config", "/.well-known/openid-configuration"],
  ["oidcc-client-test-discovery-jwks-uri-keys", "/jwks"],
])("%s", async (_module, path) => {
  const someone = visitor();
  expectSignedIn(someone, await someone.signIn());
  expect(provider.count(path)).toBe(1);
});

test.each([(issuer: string) => `${issuer}/`, (issuer: string) => issuer.toUpperCase(), () => "https://other.example"])(
  "oidcc-client-test-discovery-issuer-mismatch",
  async (change) => {
    const someone = visitor({ metadata: (metadata) => ({ ...metadata, issuer: change(provider.issuer) }) });
    const { response, code } = await someone.arrive("/_gate/login");
    expect([response.status, code]).toEqual([502, "provider_down"]);
    expect(provider.seen.map(({ path }) => path)).toEqual(["/.well-known/openid-configuration"]);
    expect([someone.sessions, someone.calls.objects]).toEqual([[], 0]);
  },
);

test("oidcc-client-test-signing-key-rotation-just-before-signing", async () => {
  const next = await newSigningKey("next");
  let rotated = false;
  const someone = visitor({
    jwks: (keys) => (rotated ? [next.jwk] : keys),
    idToken: (claims) => provider.sign(claims, rotated ? next : undefined),
  });
  expectSignedIn(someone, await someone.signIn());
  rotated = true;
  await someone.signIn();
  expect(someone.calls.signIns).toHaveLength(2);
  expect(provider.count("/jwks")).toBe(2);
});

test("oidcc-client-test-signing-key-rotation", async () => {
  const someone = visitor();
  await someone.signIn();
  const [former] = provider.keys;
  provider.keys = [await newSigningKey("rotated")];
  await someone.signIn();
  provider.keys = [former!];
  expect(someone.calls.signIns).toHaveLength(2);
});

test("twenty made-up key ids fetch the keys once more, not twenty times", async () => {
  const someone = visitor();
  await someone.signIn();
  let n = 0;
  provider.faults = { header: () => ({ alg: "RS256", kid: `made-up-${n++}` }) };
  for (let turn = 0; turn < 20; turn++) await someone.signIn();
  expect(n).toBe(20);
  expect(provider.count("/jwks")).toBe(2);
});

test("oidcc-client-test-aggregated-claims", async () => {
  const groups = (iss: string) => ({ iss, groups: ["staff"] });
  const names = { _claim_names: { groups: "a" } };
  const own = await provider.sign(groups(provider.issuer));
  const foreign = await provider.sign(groups(provider.issuer), await newSigningKey("one"));
  for (const [jws, expected] of [
    [own, ["staff"]],
    [foreign, []],
  ] as const) {
    provider.faults = { userInfo: changed({ ...names, _claim_sources: { a: { JWT: jws } } }) };
    const someone = new Visitor([settingsFor(provider.issuer, { groupsClaim: "groups" })]);
    expectSignedIn(someone, await someone.signIn());
    expect(someone.calls.signIns[0]?.groups).toEqual(expected);
  }
});

test("oidcc-client-test-distributed-claims", async () => {
  const { host } = new URL(provider.issuer);
  const jws = await provider.sign({ groups: ["staff"] });
  const source = { endpoint: `${provider.issuer}/claims`, access_token: "for-claims" };
  for (const [claimHosts, expected] of [
    [[host], ["staff"]],
    [[], []],
  ] as const) {
    provider.reset();
    provider.faults = {
      userInfo: changed({ _claim_names: { groups: "d" }, _claim_sources: { d: source } }),
      raw: (path, _request, response) => {
        if (path !== "/claims") return false;
        response.writeHead(200, { "content-type": "application/jwt" }).end(jws);
        return true;
      },
    };
    const someone = new Visitor([settingsFor(provider.issuer, { groupsClaim: "groups", claimHosts: [...claimHosts] })]);
    expectSignedIn(someone, await someone.signIn());
    expect(someone.calls.signIns[0]?.groups).toEqual(expected);
    expect(provider.count("/claims")).toBe(expected.length);
  }
});

test("oidcc-client-test-userinfo-signed", async () => {
  const someone = visitor({
    signedUserInfo: (claims) => provider.sign({ ...claims, aud: CLIENT_ID, iss: provider.issuer }),
  });
  expectSignedIn(someone, await someone.signIn());
  const other = await newSigningKey("one");
  const deceived = visitor({ signedUserInfo: (claims) => provider.sign(claims, other) });
  expectRefused(deceived, await deceived.signIn());
});

test("oidcc-client-test-3rd-party-init-login", async () => {
  const someone = visitor();
  const query = new URLSearchParams({ iss: provider.issuer, login_hint: "alice@example.com" });
  const location = new URL(
    await someone.leave(`/_gate/login?${query}&target_link_uri=http://localhost:8080/chat/main`),
  );
  expect(location.searchParams.get("login_hint")).toBe("alice@example.com");
  const { response } = await someone.arrive(await someone.visitProvider(location.href));
  expect(response.headers.get("location")).toBe("/chat/main");
  for (const foreign of ["https://evil.example/", `${provider.issuer}/`]) {
    const { code } = await someone.arrive(`/_gate/login?iss=${encodeURIComponent(foreign)}`);
    expect(code).toBe("unknown_provider");
  }
});
