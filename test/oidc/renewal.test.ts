/** After signing in: refresh tokens and back-channel logout tokens, named after the modules of the relying-party plans. */
import { SignJWT, base64url } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Tenant } from "../../worker/config/tenant.ts";
import { oidcSignIn } from "../../worker/oidc/oidc-sign-in.ts";
import type { FormerSignIn } from "../../worker/oidc/provider.ts";
import type { SignInAdapter } from "../../worker/context.ts";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  FakeProvider,
  newSigningKey,
  type Claims,
  type Faults,
} from "../support/fake-provider.ts";
import { newGateway } from "../unit/worker/app.ts";
import { decideBy, OIDC_VARIABLES, settingsFor } from "./visitor.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

/** The adapter's questions, asked for the only tenant. */
function adapter() {
  const providers = [settingsFor(provider.issuer, { groupsClaim: "groups" })];
  const admit = ({ groups }: { groups: string[] }) => (groups.includes("staff") ? { role: "user" as const } : null);
  let made: SignInAdapter | undefined;
  let tenant: Tenant | undefined;
  newGateway(OIDC_VARIABLES, {
    now: Date.now,
    signIn(deps) {
      tenant = deps.config.tenants[0];
      return (made = oidcSignIn({ providers, decide: decideBy(admit) })(deps));
    },
  });
  return {
    renew: (former: FormerSignIn) => made!.renew!(tenant!, former),
    verifyLogoutToken: (token: string) => made!.verifyLogoutToken!(tenant!, token),
  };
}

const changed = (more: Claims) => (claims: Claims) => ({ ...claims, ...more });
const staff = changed({ groups: ["staff"] });
const former = () => ({ provider: "fake", issuer: provider.issuer, subject: "alice-1", refreshToken: "refresh-1" });

test("oidcc-client-test-refresh-token", async () => {
  provider.faults = { userInfo: staff, tokens: changed({ refresh_token: "refresh-2" }) };
  const { identity, role } = await adapter().renew(former());
  expect([identity.subject, identity.email, identity.refreshToken, role]).toEqual([
    "alice-1",
    "alice@example.com",
    "refresh-2",
    "user",
  ]);
  expect(provider.seen.find(({ path }) => path === "/token")?.form.get("refresh_token")).toBe("refresh-1");
});

test("a provider that rotates nothing, and one that sends no new ID token", async () => {
  provider.faults = { userInfo: staff, tokens: changed({ id_token: undefined }) };
  const { identity, role } = await adapter().renew(former());
  expect([identity.subject, identity.refreshToken, role]).toEqual(["alice-1", "refresh-1", "user"]);
});

test("a group that was taken away takes effect", async () => {
  provider.faults = { userInfo: changed({ groups: [] }) };
  expect((await adapter().renew(former())).role).toBeNull();
});

test.each<[module: string, faults: Faults]>([
  ["oidcc-client-test-refresh-token-invalid-issuer", { claims: changed({ iss: "https://other.example" }) }],
  ["oidcc-client-test-refresh-token-invalid-sub", { claims: changed({ sub: "bob-1" }) }],
  ["oidcc-client-test-refresh-token-invalid-aud", { claims: changed({ aud: "other" }) }],
  ["oidcc-client-test-refresh-token-invalid-azp", { claims: changed({ azp: "other" }) }],
])("%s", async (_module, faults) => {
  provider.faults = { userInfo: staff, ...faults };
  await expect(adapter().renew(former())).rejects.toMatchObject({ reason: "id_token_claims" });
  expect(provider.count("/userinfo")).toBe(0);
});

test("a renewal whose UserInfo is about somebody else is refused", async () => {
  provider.faults = { userInfo: changed({ sub: "bob-1" }) };
  await expect(adapter().renew(former())).rejects.toMatchObject({ reason: "userinfo_subject" });
});

const now = () => Math.floor(Date.now() / 1000);
const good = (): Claims => ({
  iss: provider.issuer,
  aud: CLIENT_ID,
  iat: now(),
  exp: now() + 120,
  jti: crypto.randomUUID(),
  sub: "alice-1",
  sid: "s-1",
  events: { [EVENT]: {} },
});

test("oidcc-client-test-rp-backchannel-rpinitlogout", async () => {
  for (const typ of ["logout+jwt", "JWT", undefined]) {
    provider.faults = { header: changed({ typ }) };
    const claims = good();
    expect(await adapter().verifyLogoutToken(await provider.sign(claims))).toEqual({
      issuer: provider.issuer,
      subject: "alice-1",
      providerSessionId: "s-1",
      tokenId: claims["jti"],
    });
  }
});

test.each<[module: string, claims: Claims]>([
  ["oidcc-client-test-rp-backchannel-rpinitlogout-no-event", { events: undefined }],
  ["oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event", { events: { "http://other.example/event": {} } }],
  ["oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce", { nonce: "n" }],
  ["oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud", { aud: "other" }],
  ["own: an event that is no object", { events: { [EVENT]: true } }],
  ["own: neither subject nor session", { sub: undefined, sid: undefined }],
  ["own: an empty session id", { sid: "" }],
  ["own: without jti", { jti: undefined }],
  ["own: without iat", { iat: undefined }],
  ["own: issued ten minutes ago", { iat: now() - 600, exp: now() + 120 }],
  ["own: expired", { exp: now() - 90 }],
])("%s", async (_module, claims) => {
  const token = await provider.sign({ ...good(), ...claims });
  await expect(adapter().verifyLogoutToken(token)).rejects.toMatchObject({ reason: "logout_token" });
});

test("oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss", async () => {
  const token = await provider.sign({ ...good(), iss: "https://other.example" });
  await expect(adapter().verifyLogoutToken(token)).rejects.toMatchObject({ reason: "unknown_provider" });
});

test("oidcc-client-test-rp-backchannel-rpinitlogout-alg-none", async () => {
  const token = `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(good()))}.`;
  await expect(adapter().verifyLogoutToken(token)).rejects.toMatchObject({ reason: "id_token_algorithm" });
});

test("oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg", async () => {
  const token = await new SignJWT(good())
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(CLIENT_SECRET));
  await expect(adapter().verifyLogoutToken(token)).rejects.toMatchObject({ reason: "id_token_algorithm" });
});

test("own: an ID token, an access token's type, another key, and no JWT at all", async () => {
  const idToken = { ...good(), events: undefined };
  const refused = [
    await provider.sign({ ...idToken, nonce: "n" }),
    await provider.sign(good(), await newSigningKey("one")),
    "",
    "x.y.z",
  ];
  provider.faults = { header: changed({ typ: "at+jwt" }) };
  refused.push(await provider.sign(good()));
  for (const token of refused) await expect(adapter().verifyLogoutToken(token)).rejects.toThrow("sign_in_invalid");
});
