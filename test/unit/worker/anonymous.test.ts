/** What strangers may ask: of the object nothing, of our own routes a bounded number, and nothing large. */
import { describe, expect, test } from "vitest";
import { oidcSignIn } from "../../../worker/oidc/oidc-sign-in.ts";
import { NOW, newGateway, ORIGIN } from "./app.ts";

const PRODUCTION = {
  AUTHSEC_MODE: "oidc",
  ENVIRONMENT: "production",
  PUBLIC_URL: "https://claw.example.com",
  STUB_USERS: "",
  OIDC_ISSUER: "https://id.example.com",
  OIDC_CLIENT_ID: "client",
  OIDC_CLIENT_SECRET: "a-client-secret-of-some-length-1234567890",
  ALLOWED_EMAILS: "alice@example.com",
};
/** No provider is there: what would ask one fails, as it does when the provider is down. */
const noProvider = oidcSignIn({ fetch: () => Promise.reject(new TypeError("no network")) });
const code = (response: Response) => response.headers.get("x-tidegate-error");

function production() {
  let now = NOW;
  const gateway = newGateway(PRODUCTION, { signIn: noProvider, now: () => now });
  const from = (address: string, target = "/_gate/login", headers: Record<string, string> = {}) =>
    gateway.send(target, { headers: { "cf-connecting-ip": address, "sec-fetch-mode": "navigate", ...headers } });
  return { gateway, from, wait: (ms: number) => (now += ms) };
}

const NAVIGATION = { "sec-fetch-mode": "navigate", accept: "text/html" };
const ATTEMPT = "__Host-tidegate-attempt-AAAA";
/** The shape of an agent's signature and pass, and nothing behind it. */
const FORGED = `Tidegate agent-0001.${NOW / 1000}.${"A".repeat(86)}.${"A".repeat(88)}`;
const KINDS: [target: string, init: RequestInit][] = [
  ["/", { headers: NAVIGATION }],
  ["/chat/main", { headers: { accept: "application/json" } }],
  ["/assets/index.js", {}],
  ["/control-ui-config.json", { method: "HEAD" }],
  ["/", { headers: { upgrade: "websocket" } }],
  ["/__openclaw__/worker", { headers: { upgrade: "websocket", origin: "https://claw.example.com" } }],
  ["/tools/invoke", { method: "POST", body: "{}", headers: { origin: "https://claw.example.com" } }],
  ["/", { headers: { cookie: "__Host-tidegate-default=AAAA" } }],
  ["/", { headers: { cookie: `__Host-tidegate-default=${"A".repeat(140)}`, upgrade: "websocket" } }],
  ["/_gate", { headers: NAVIGATION }],
  ["/_gate/", { headers: NAVIGATION }],
  ["/_gate/session", {}],
  ["/_gate/login", { headers: NAVIGATION }],
  ["/_gate/login?iss=https://evil.example&login_hint=x@y.z", { headers: NAVIGATION }],
  [
    "/_gate/callback/oidc?code=x&state=y&iss=https://id.example.com",
    { headers: { ...NAVIGATION, cookie: `${ATTEMPT}=BBBB` } },
  ],
  ["/_gate/callback/other?error=access_denied&state=z", { headers: NAVIGATION }],
  ["/_gate/logout", { method: "POST", headers: { origin: "https://claw.example.com" } }],
  ["/_gate/logout/everywhere", { method: "POST", headers: { origin: "https://claw.example.com" } }],
  ["/_gate/backchannel-logout", { method: "POST", body: new URLSearchParams({ logout_token: "a.b.c" }) }],
  ["/_gate/frontchannel-logout?iss=https://id.example.com&sid=x", { headers: { "sec-fetch-dest": "iframe" } }],
  ["/_gate/login/renewal", { headers: { "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin" } }],
  ["/_gate/welcome?next=/", { headers: NAVIGATION }],
  ["/_gate/tunnel", { headers: { upgrade: "websocket", authorization: "Bearer AAAA" } }],
  ["/_gate/tunnel", { headers: { upgrade: "websocket", authorization: "Tidegate agent=a,time=1,signature=AAAA" } }],
  [
    "/_gate/tunnel",
    { headers: { upgrade: "websocket", "sec-websocket-protocol": "tidegate.v1", authorization: FORGED } },
  ],
  ["/_gate/device", { method: "POST", body: "{}", headers: { origin: "https://claw.example.com" } }],
  [
    "/_gate/device",
    { method: "POST", body: "{}", headers: { origin: "https://claw.example.com", authorization: FORGED } },
  ],
  [
    "/_gate/device/token",
    {
      method: "POST",
      body: '{"request":"AAAA"}',
      headers: { origin: "https://claw.example.com", authorization: FORGED },
    },
  ],
  ["/_gate/agent", { headers: { authorization: FORGED } }],
  ["/_gate/agent", { method: "DELETE", headers: { origin: "https://claw.example.com", authorization: FORGED } }],
  [
    "/_gate/agent/key",
    { method: "POST", body: "{}", headers: { origin: "https://claw.example.com", authorization: FORGED } },
  ],
  ["/_gate/readyz", {}],
  ["/_gate/healthz", {}],
  ["/_gate/nothing", {}],
  [`/${"a".repeat(9_000)}`, {}],
];

test("ten thousand requests of every kind by strangers: no object is asked once", async () => {
  const { gateway, wait } = production();
  const statuses = new Set<number>();
  for (let sent = 0; sent < 10_000; sent++) {
    // From ever other addresses, and slowly enough, so that limits hide nothing.
    wait(1_000);
    const [target, init] = KINDS[sent % KINDS.length] ?? ["/", {}];
    const headers = new Headers(init.headers);
    headers.set("cf-connecting-ip", `198.51.${(sent >> 8) & 255}.${sent & 255}`);
    statuses.add((await gateway.send(target, { ...init, headers })).status);
  }
  expect(gateway.calls.objects).toBe(0);
  expect(statuses).not.toContain(500);
  expect(statuses).not.toContain(429);
});

describe("strangers on our own routes", () => {
  test("from one address are stopped, and others are not", async () => {
    const { from } = production();
    let last = await from("203.0.113.7");
    for (let sent = 0; sent < 300; sent++) last = await from("203.0.113.7");
    expect([last.status, code(last)]).toEqual([429, "rate_limited"]);
    expect((await from("203.0.113.8")).status).not.toBe(429);
  });

  test("who change their address within one /64 are one", async () => {
    const { from } = production();
    let last = await from("2001:db8::1");
    for (let sent = 0; sent < 300; sent++) last = await from(`2001:db8::${(sent + 2).toString(16)}`);
    expect(last.status).toBe(429);
    expect((await from("2001:db8:0:1::1")).status).not.toBe(429);
  });

  test("are let in again after a moment", async () => {
    const { from, wait } = production();
    for (let sent = 0; sent < 300; sent++) await from("203.0.113.7");
    wait(1_000);
    expect((await from("203.0.113.7")).status).not.toBe(429);
  });

  test("stop nobody who is signed in at the same address", async () => {
    const { gateway, from } = production();
    for (let sent = 0; sent < 300; sent++) await from("203.0.113.7");
    const cookie = await gateway.cookie();
    expect((await from("203.0.113.7", "/_gate/session", { cookie })).status).not.toBe(429);
  });

  test("are stopped by the platform's limit, where there is one", async () => {
    const asked: string[] = [];
    const binding = { limit: ({ key }: { key: string }) => Promise.resolve({ success: asked.push(key) < 3 }) };
    const gateway = newGateway({ ...PRODUCTION, ANONYMOUS_LIMIT: binding as never }, { signIn: noProvider });
    const send = () => gateway.send("/_gate/login", { headers: { ...NAVIGATION, "cf-connecting-ip": "2001:db8::7" } });
    expect([(await send()).status === 429, (await send()).status === 429]).toEqual([false, false]);
    expect((await send()).status).toBe(429);
    expect(new Set(asked)).toEqual(new Set(["default 2001:db8:0:0::/64"]));
  });
});

describe("too large", () => {
  test.each<[what: string, target: string, init: RequestInit, status: number, code: string]>([
    ["a target", `/${"a".repeat(8_192)}`, {}, 414, "target_too_long"],
    ["one header", "/", { headers: { "x-a": "a".repeat(25_000) } }, 431, "headers_too_large"],
    [
      "many headers",
      "/",
      { headers: Object.fromEntries(Array.from({ length: 151 }, (_, at) => [`x-${at}`, "1"])) },
      431,
      "headers_too_large",
    ],
    [
      "a body that says so",
      "/tools/invoke",
      { method: "POST", headers: { "content-length": "104857601" } },
      413,
      "too_large",
    ],
    ["a form of ours", "/_gate/login", { method: "POST", body: "a".repeat(16_385) }, 413, "too_large"],
  ])("%s is refused", async (_what, target, init, status, expected) => {
    const gateway = newGateway();
    const headers = new Headers(init.headers);
    headers.set("origin", ORIGIN);
    headers.set("cookie", await gateway.cookie());
    const response = await gateway.send(target, { ...init, headers });
    expect([response.status, code(response)]).toEqual([status, expected]);
    expect(gateway.calls.objects).toBe(0);
  });
});
