/**
 * The modules of the OpenID Foundation's relying-party plans that a code-only relying party meets, each reproduced with
 * a fake provider and named after its module (docs/conformance.md): here what concerns the ID token and its keys.
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
import {
  changed,
  expectBadIdToken as expectBad,
  expectRefused,
  expectSignedIn,
  nameless,
  visitorOf,
  without,
} from "./modules.ts";
import { settingsFor, Visitor } from "./visitor.ts";

let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

const visitor = (faults?: Faults) => visitorOf(provider, faults);
const expectBadIdToken = (faults: Faults) => expectBad(provider, faults);

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
