/**
 * The modules of the OpenID Foundation's relying-party plans that a code-only relying party meets, each reproduced with
 * a fake provider and named after its module (docs/conformance.md).
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SignJWT, base64url } from "jose";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  FakeProvider,
  newSigningKey,
  type Claims,
  type Faults,
} from "../support/fake-provider.ts";
import { settingsFor, Visitor, type Trip } from "./visitor.ts";

let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

function visitor(faults: Faults = {}): Visitor {
  provider.faults = faults;
  return new Visitor([settingsFor(provider.issuer)]);
}

function expectSignedIn(someone: Visitor, { response }: Trip): void {
  expect([response.status, response.headers.get("location")]).toEqual([303, "/"]);
  expect(someone.sessions).toHaveLength(1);
  expect(someone.calls.signIns).toHaveLength(1);
  expect(someone.attempts).toEqual([]);
}

/** No cookie, no session row, nothing at an object at all, a page of ours that says nothing secret. */
function expectRefused(someone: Visitor, { response, text, code }: Trip): void {
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(code).toBe("sign_in_invalid");
  expect(response.headers.get("content-type")).toMatch("text/html");
  expect(someone.cookies.size).toBe(0);
  expect(someone.calls.objects).toBe(0);
  expect(text + JSON.stringify(someone.logged)).not.toMatch(/eyJ|alice|[?&](nonce|code|state)=/);
}

/** {@link expectRefused}, and the access token that came with a bad ID token was used for nothing. */
async function expectBadIdToken(faults: Faults): Promise<void> {
  const someone = visitor(faults);
  expectRefused(someone, await someone.signIn());
  expect(provider.count("/token")).toBe(1);
  expect(provider.count("/userinfo")).toBe(0);
}

const without = (name: string) => (claims: Claims) =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
const nameless = without("kid");
const changed = (more: Claims) => (claims: Claims) => ({ ...claims, ...more });

test("oidcc-client-test", async () => {
  const someone = visitor();
  const location = new URL(await someone.leave("/_gate/login?next=%2F"));
  const asked = Object.fromEntries(location.searchParams);
  expect(asked).toMatchObject({
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: "http://localhost:8080/_gate/callback/fake",
    code_challenge_method: "S256",
  });
  expect(asked["scope"]?.split(" ")).toContain("openid");
  expectSignedIn(someone, await someone.arrive(await someone.visitProvider(location.href)));
  expect(someone.calls.signIns[0]).toMatchObject({
    issuer: provider.issuer,
    subject: "alice-1",
    email: "alice@example.com",
    name: "Alice Smith",
  });
  expect(provider.count("/userinfo")).toBe(1);
});

test("oidcc-client-test-invalid-iss", () => expectBadIdToken({ claims: changed({ iss: "https://other.example" }) }));
test("oidcc-client-test-missing-sub", () => expectBadIdToken({ claims: without("sub") }));
test("oidcc-client-test-invalid-aud", () => expectBadIdToken({ claims: changed({ aud: "somebody else" }) }));
test("oidcc-client-test-missing-aud", () => expectBadIdToken({ claims: without("aud") }));
test("oidcc-client-test-missing-iat", () => expectBadIdToken({ claims: without("iat") }));
test("oidcc-client-test-nonce-invalid", () => expectBadIdToken({ claims: changed({ nonce: "another" }) }));
test("oidcc-client-test-invalid-athash", () => expectBadIdToken({ claims: changed({ at_hash: "x".repeat(22) }) }));

test("oidcc-client-test-missing-athash", async () => {
  const someone = visitor({ claims: without("at_hash") });
  expectSignedIn(someone, await someone.signIn());
});

test.each([
  ["expired more than a minute ago", changed({ exp: Math.floor(Date.now() / 1000) - 90 })],
  ["issued in two minutes", changed({ iat: Math.floor(Date.now() / 1000) + 120 })],
  ["no nonce", without("nonce")],
  ["several audiences and no azp", changed({ aud: [CLIENT_ID, "other"] })],
  ["issued to another party", changed({ azp: "other" })],
  ["an empty subject", changed({ sub: "" })],
])("an ID token with %s is refused", (_what, claims) => expectBadIdToken({ claims }));

test.each([
  ["expired half a minute ago", changed({ exp: Math.floor(Date.now() / 1000) - 30 })],
  ["issued in half a minute", changed({ iat: Math.floor(Date.now() / 1000) + 30 })],
  ["several audiences and our azp", changed({ aud: [CLIENT_ID, "other"], azp: CLIENT_ID })],
])("an ID token with %s is accepted", async (_what, claims) => {
  const someone = visitor({ claims });
  expectSignedIn(someone, await someone.signIn());
});

test("oidcc-client-test-kid-absent-single-jwks", async () => {
  const someone = visitor({ header: nameless, jwks: (keys) => keys.map(nameless) });
  expectSignedIn(someone, await someone.signIn());
});

test("oidcc-client-test-kid-absent-multiple-jwks", async () => {
  const other = await newSigningKey(undefined);
  const someone = visitor({
    header: nameless,
    jwks: (keys) => [other.jwk, ...keys.map(nameless)],
  });
  expectSignedIn(someone, await someone.signIn());
});

test("oidcc-client-test-idtoken-sig-rs256", async () => {
  const someone = visitor({ header: changed({ alg: "RS256" }) });
  expectSignedIn(someone, await someone.signIn());
});

test("oidcc-client-test-idtoken-sig-none", () =>
  expectBadIdToken({
    metadata: changed({ id_token_signing_alg_values_supported: ["none", "RS256"] }),
    idToken: (claims) => `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(claims))}.`,
  }));

test("oidcc-client-test-invalid-sig-rs256", () =>
  expectBadIdToken({
    idToken: async (claims) => {
      const [head, body, signature = ""] = (await provider.sign(claims)).split(".");
      const bytes = base64url.decode(signature);
      bytes[7]! ^= 1;
      return `${head}.${body}.${base64url.encode(bytes)}`;
    },
  }));

test("oidcc-client-test-invalid-sig-hs256", () =>
  expectBadIdToken({
    metadata: changed({ id_token_signing_alg_values_supported: ["HS256", "RS256"] }),
    idToken: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(CLIENT_SECRET)),
  }));

test("oidcc-client-test-invalid-sig-es256", async () => {
  const [own, other] = [await newSigningKey("ec", "ES256"), await newSigningKey("ec", "ES256")];
  await expectBadIdToken({ jwks: (keys) => [...keys, own.jwk], idToken: (claims) => provider.sign(claims, other) });
});

test.each(["PS256", "ES256", "EdDSA"])("an ID token signed with %s is accepted", async (algorithm) => {
  const key = await newSigningKey("two", algorithm);
  const at = algorithm === "EdDSA" ? without("at_hash") : (claims: Claims) => claims;
  const someone = visitor({ jwks: (keys) => [...keys, key.jwk], idToken: (claims) => provider.sign(at(claims), key) });
  expectSignedIn(someone, await someone.signIn());
});

test("an algorithm that configuration leaves out is refused, whatever the metadata says", async () => {
  const someone = new Visitor([settingsFor(provider.issuer, { algorithms: ["ES256"] })]);
  expectRefused(someone, await someone.signIn());
  expect(provider.count("/userinfo")).toBe(0);
});

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

test("a thousand made-up key ids fetch the keys once more, not a thousand times", async () => {
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
