/** The relying party against oidc-provider, a real and certified provider, over loopback. */
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import {
  startDevelopmentProvider,
  type DevelopmentProvider,
  type DevelopmentProviderOptions,
  type ProviderClient,
} from "../../scripts/development-provider.ts";
import {
  RELAY_HEADER,
  type RelayCall,
  type Renewal,
  type RenewalOutcome,
  type SignIn,
  type TenantCall,
} from "../../durable-objects/rpc.ts";
import { findFreePort } from "../../scripts/ports.ts";
import type { TenantStub } from "../../worker/context.ts";
import { openProvider } from "../../worker/oidc/provider.ts";
import { outboundFetch } from "../../worker/oidc/outbound-fetch.ts";
import type { OpenIdProvider } from "../../worker/oidc/openid-provider.ts";
import type { ProviderSettings, SignatureAlgorithm } from "../../worker/oidc/provider-settings.ts";
import { ProviderBrowser } from "../support/provider-browser.ts";
import { ORIGIN, SESSION } from "../unit/worker/app.ts";
import { settingsFor, Visitor, type Trip } from "./visitor.ts";

const SECRET = "s3cret with spaces, and:colons%";
const running: DevelopmentProvider[] = [];

afterEach(async () => {
  for (const provider of running.splice(0)) await provider.stop();
});

async function start(client: Partial<ProviderClient>, more: Partial<DevelopmentProviderOptions> = {}, id = "fake") {
  const provider = await startDevelopmentProvider({
    port: await findFreePort(),
    emails: ["alice@example.com", "bob@example.com"],
    groups: { alice: ["staff"] },
    clients: [
      {
        id: "tidegate",
        secret: SECRET,
        redirectUris: [`${ORIGIN}/_gate/callback/${id}`],
        returnUris: [`${ORIGIN}/_gate/signed-out`],
        authentication: "client_secret_basic",
        ...client,
      },
    ],
    ...more,
  });
  running.push(provider);
  return provider;
}

function settings({ issuer }: DevelopmentProvider, own: Partial<ProviderSettings> = {}): ProviderSettings {
  const clientAuth = { method: "client_secret_basic", secret: SECRET } as const;
  return settingsFor(issuer, { clientId: "tidegate", clientAuth, groupsClaim: "groups", ...own });
}

async function signIn(visitor: Visitor, login = "alice", target?: string): Promise<Trip> {
  const back = new URL(await new ProviderBrowser().visit(await visitor.leave(target), ORIGIN, login));
  return visitor.arrive(back.pathname + back.search);
}

function expectAlice(visitor: Visitor, trip: Trip, provider: DevelopmentProvider): void {
  expect([trip.response.status, trip.code]).toEqual([303, null]);
  expect(visitor.calls.signIns[0]).toMatchObject({
    issuer: provider.issuer,
    subject: "alice",
    email: "alice@example.com",
    name: "Alice",
    groups: ["staff"],
    role: "user",
  });
  expect(visitor.sessions).toHaveLength(1);
}

test.each(["client_secret_basic", "client_secret_post"] as const)("%s", async (method) => {
  const provider = await start({ authentication: method });
  const visitor = new Visitor([settings(provider, { clientAuth: { method, secret: SECRET } })]);
  expectAlice(visitor, await signIn(visitor), provider);
});

test.each<[SignatureAlgorithm, () => JsonWebKey]>([
  [
    "RS256",
    () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }) as JsonWebKey,
  ],
  [
    "PS256",
    () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }) as JsonWebKey,
  ],
  [
    "ES256",
    () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }) as JsonWebKey,
  ],
  ["EdDSA", () => generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }) as JsonWebKey],
])("private_key_jwt with %s, and ID tokens signed likewise", async (algorithm, newKey) => {
  const key = newKey();
  const { kty, n, e, crv, x, y } = key;
  const publicKey = JSON.parse(JSON.stringify({ kty, n, e, crv, x, y, kid: "ours", use: "sig", alg: algorithm }));
  const provider = await start({ secret: undefined, keys: [publicKey], authentication: "private_key_jwt", algorithm });
  const clientAuth = { method: "private_key_jwt", key, algorithm, keyId: "ours" } as const;
  const visitor = new Visitor([settings(provider, { clientAuth })]);
  expectAlice(visitor, await signIn(visitor), provider);
});

test("a wrong client secret is refused at the token endpoint, and nobody is signed in", async () => {
  const provider = await start({});
  const visitor = new Visitor([settings(provider, { clientAuth: { method: "client_secret_basic", secret: "wrong" } })]);
  expect((await signIn(visitor)).code).toBe("sign_in_invalid");
  expect([visitor.cookies.size, visitor.calls.objects]).toEqual([0, 0]);
});

test.each(["offered", "required"] as const)("pushed authorization requests, %s", async (pushed) => {
  const provider = await start({}, { pushed });
  const visitor = new Visitor([settings(provider)]);
  const location = new URL(await visitor.leave());
  expect([...location.searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
  const back = new URL(await new ProviderBrowser().visit(location.href, ORIGIN, "alice"));
  expectAlice(visitor, await visitor.arrive(back.pathname + back.search), provider);
});

test("two providers: chosen by a link, by issuer, by e-mail domain; the answer of one is none of the other's", async () => {
  const [one, two] = [await start({}, {}, "one"), await start({}, {}, "two")];
  const both = [
    settings(one, { id: "one", label: "One" }),
    settings(two, { id: "two", label: "Two", emailDomains: ["example.com"] }),
  ];
  const visitor = new Visitor(both);
  const chooser = await visitor.get("/_gate/login?next=%2Fchat%2Fmain");
  const text = await chooser.text();
  expect([chooser.status, visitor.attempts]).toEqual([200, []]);
  expect(text).toMatch(/Continue with One[\s\S]*Continue with Two/);
  const ways = [
    ["/_gate/login?provider=one", one],
    [`/_gate/login?iss=${encodeURIComponent(one.issuer)}`, one],
    ["/_gate/login?login_hint=bob%40EXAMPLE.com", two],
  ] as const;
  for (const [way, expected] of ways) expect(await visitor.leave(way)).toMatch(`${expected.issuer}/auth?`);
  const unknown = await (await visitor.get("/_gate/login?login_hint=bob%40other.example")).text();
  expect(unknown).toContain("belongs to none of these");

  expectAlice(visitor, await signIn(visitor, "alice", "/_gate/login?provider=one"), one);
  await signIn(visitor, "bob", "/_gate/login?provider=two");
  expect(visitor.calls.signIns.map(({ issuer, subject }) => [issuer, subject])).toEqual([
    [one.issuer, "alice"],
    [two.issuer, "bob"],
  ]);

  const browser = new ProviderBrowser();
  const back = new URL(await browser.visit(await visitor.leave("/_gate/login?provider=one"), ORIGIN, "alice"));
  const carried = await visitor.arrive(`/_gate/callback/two${back.search}`);
  expect([carried.response.status, carried.code]).toEqual([400, "attempt_expired"]);
  expect(visitor.calls.signIns).toHaveLength(2);
});

test("the hints arrive: login_hint, prompt, max_age", async () => {
  const provider = await start({});
  const visitor = new Visitor([settings(provider, { maxAgeSeconds: 3_600, prompt: "select_account" })]);
  const asked = new URL(await visitor.leave("/_gate/login?login_hint=alice%40example.com&prompt=login")).searchParams;
  expect([asked.get("login_hint"), asked.get("prompt"), asked.get("max_age")]).toEqual([
    "alice@example.com",
    "login",
    "3600",
  ]);
  expectAlice(visitor, await signIn(visitor, "alice", "/_gate/login?prompt=login"), provider);
});

test("who is not admitted is told who they are, and nothing is kept", async () => {
  const provider = await start({});
  const visitor = new Visitor([settings(provider)], { admit: () => null });
  const { response, text, code } = await signIn(visitor, "bob");
  expect([response.status, code]).toEqual([403, "not_allowed"]);
  expect(text).toMatch(/bob@example\.com[\s\S]*Use another account/);
  expect([visitor.cookies.size, visitor.calls.objects]).toEqual([0, 0]);
});

test("oidcc-client-test-rp-init-logout", async () => {
  const provider = await start({});
  const visitor = new Visitor([settings(provider)], {
    session: {
      person: "alice-key",
      provider: "fake",
      issuer: provider.issuer,
      email: "alice@example.com",
      name: null,
      role: "user",
      user: "alice@example.com",
      createdAt: 0,
      lastSeenAt: 0,
      idleExpiresAt: 0,
      expiresAt: 0,
    },
  });
  const browser = new ProviderBrowser();
  const back = new URL(await browser.visit(await visitor.leave(), ORIGIN, "alice"));
  await visitor.arrive(back.pathname + back.search);
  expect([...visitor.cookies.keys()].sort()).toEqual(["tidegate-default", "tidegate-sign-out"]);
  const cookie = [...visitor.cookies].map((pair) => pair.join("=")).join("; ");
  const init = { method: "POST", headers: { origin: ORIGIN, cookie } };
  const response = await visitor.gateway.send("/_gate/logout", init);
  const link = linkOf(await response.text());
  const { id_token_hint: hint = "", state, ...asked } = Object.fromEntries(new URL(link).searchParams);
  expect(asked).toEqual({ client_id: "tidegate", post_logout_redirect_uri: `${ORIGIN}/_gate/signed-out` });
  expect([hint.split(".").length, state?.length]).toEqual([3, 43]);
  // What is left opens nothing: it tells other tabs.
  const kept = response.headers.getSetCookie().filter((line) => !line.includes("Max-Age=0"));
  expect(kept).toEqual([expect.stringMatching(/^tidegate-default=.*; Max-Age=600;/)]);
  expect(visitor.calls.ended).toHaveLength(1);
  expect(await browser.visit(link, ORIGIN, "alice")).toBe(`${ORIGIN}/_gate/signed-out?state=${state}`);

  // The hint is of that session only: with another one's cookie the provider hears the e-mail instead.
  const other = await visitor.gateway.cookies.seal("default", {
    session: "AAAAAAAAAAAAAAAAAAAAAA",
    shard: 0,
    expiresAt: 4e9,
  });
  const mixed = `tidegate-default=${other}; tidegate-sign-out=${visitor.cookies.get("tidegate-sign-out")}`;
  const again = await visitor.gateway.send("/_gate/logout", { ...init, headers: { origin: ORIGIN, cookie: mixed } });
  const second = new URL(linkOf(await again.text())).searchParams;
  expect([second.has("id_token_hint"), second.get("logout_hint")]).toEqual([false, "alice@example.com"]);
});

function linkOf(text: string): string {
  return /href="([^"]+\/session\/end[^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
}

test.each([
  ["oidcc-client-test-rp-init-logout-no-state", ""],
  ["oidcc-client-test-rp-init-logout-other-state", "?state=made-up"],
  ["own: a logout answer that names another place", "?state=x&post_logout_redirect_uri=https://evil.example"],
])("%s", async (_module, query) => {
  const visitor = new Visitor([settingsFor("http://127.0.0.1:1")]);
  const { response, text } = await visitor.arrive(`/_gate/signed-out${query}`);
  expect([response.status, visitor.calls.objects]).toEqual([200, 0]);
  expect(text).not.toContain("evil");
});

test("a refresh token renews the same person, rotates, and ends when revoked", async () => {
  const provider = await start({});
  const scopes = ["openid", "email", "profile", "offline_access"];
  const fetch = outboundFetch({ development: true });
  const around = { origin: ORIGIN, development: true, fetch, now: Date.now };
  const party = openProvider(settings(provider, { scopes, prompt: "consent" }), around) as OpenIdProvider;
  const { newAttempt } = await import("../../worker/oidc/attempt.ts");
  const attempt = newAttempt("fake", "/", Date.now());
  const url = await party.authorizationUrl(attempt, { loginHint: null, prompt: null });
  const back = new URL(await new ProviderBrowser().visit(url, ORIGIN, "alice"));
  const first = await party.finish(back.searchParams, attempt);
  const { issuer, subject } = first;
  const second = await party.refresh({ provider: "fake", issuer, subject, refreshToken: first.refreshToken ?? "" });
  expect(second).toMatchObject({ issuer, subject, email: "alice@example.com", groups: ["staff"] });
  expect(second.refreshToken).not.toBe(first.refreshToken);
  await party.revoke(second.refreshToken ?? "");
  const again = party.refresh({ provider: "fake", issuer, subject, refreshToken: second.refreshToken ?? "" });
  await expect(again).rejects.toMatchObject({ reason: "code_refused" });
});

test("a session is renewed through the gateway, and each rotated token is the next one's", async () => {
  const provider = await start({});
  const renewals: Renewal[] = [];
  const outcomes: RenewalOutcome[] = [];
  let refreshToken = "";
  const object = {
    startSession: async (_call: TenantCall, signIn: SignIn) => {
      refreshToken = signIn.refreshToken ?? "";
      return { ok: true, value: { session: SESSION, expiresAt: Date.now() + 3_600_000 } };
    },
    fetch: async (request: Request) => {
      const call = JSON.parse(request.headers.get(RELAY_HEADER) ?? "{}") as RelayCall;
      if (call.renewed) return new Response("from OpenClaw");
      return new Response(null, { status: 503, headers: { "x-tidegate-error": "renewal_due" } });
    },
    beginRenewal: async () => {
      const about = { provider: "fake", issuer: provider.issuer, subject: "alice" };
      renewals.push({ lease: `lease-${renewals.length}`, ...about, refreshToken });
      return { ok: true, value: renewals.at(-1) };
    },
    finishRenewal: async (_call: TenantCall, _lease: string, outcome: RenewalOutcome) => {
      outcomes.push(outcome);
      refreshToken = outcome.refreshToken ?? refreshToken;
      return { ok: true, value: null };
    },
  };
  const scopes = ["openid", "email", "profile", "offline_access"];
  const options = { object: object as unknown as TenantStub };
  const visitor = new Visitor([settings(provider, { scopes, prompt: "consent" })], options);
  expect((await signIn(visitor)).response.status).toBe(303);
  for (let n = 0; n < 3; n++) expect((await visitor.arrive("/chat/main")).text).toBe("from OpenClaw");
  expect(outcomes.map(({ type }) => type)).toEqual(["verified", "verified", "verified"]);
  expect(outcomes[0]).toMatchObject({ identity: { subject: "alice", email: "alice@example.com", groups: ["staff"] } });
  expect(new Set(renewals.map((renewal) => renewal.refreshToken)).size).toBe(3);

  // A token that was used before is theft to the provider, and the end of the session here.
  refreshToken = renewals[0]?.refreshToken ?? "";
  await visitor.arrive("/chat/main");
  expect(outcomes.at(-1)).toEqual({ type: "refused", refreshToken: null });
});

test("the provider's own sign-out reaches the back channel, and names the session that it ended", async () => {
  const answers: number[] = [];
  // Stands where the gateway would listen: the provider's server calls it by itself.
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      const answer = await visitor.gateway.send(request.url ?? "/", { method: "POST", body, headers });
      answers.push(answer.status);
      response.writeHead(answer.status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const backchannelLogoutUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/_gate/backchannel-logout`;
  const provider = await start({ backchannelLogoutUri });
  const visitor = new Visitor([settings(provider)]);
  const browser = new ProviderBrowser();
  const back = new URL(await browser.visit(await visitor.leave(), ORIGIN, "alice"));
  await visitor.arrive(back.pathname + back.search);
  const { issuer, providerSessionId } = visitor.calls.signIns[0] ?? {};
  expect(providerSessionId).toMatch(/./);

  const leave = new URLSearchParams({ client_id: "tidegate", post_logout_redirect_uri: `${ORIGIN}/_gate/signed-out` });
  await browser.visit(`${provider.issuer}/session/end?${leave}`, ORIGIN, "alice");
  expect(answers).toEqual([200]);
  expect(visitor.calls.logouts).toEqual([expect.objectContaining({ issuer, providerSessionId })]);
  server.closeAllConnections();
  server.close();
});
