import { expect, test } from "vitest";
import type { HeaderPair } from "#protocol/frame.ts";
import { filterResponseHeaders } from "#protocol/headers.ts";
import { originHeaders, refuseHead } from "../../workspace-agent/origin/origin-headers.ts";
import { responseHead } from "../../workspace-agent/origin/response-head.ts";
import { openHead } from "./support/peer.ts";

const OURS: HeaderPair[] = [
  ["x-user", "alice@example.com"],
  ["X-Forwarded-For", "203.0.113.7"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Host", "gw.example"],
  ["x-openclaw-scopes", "operator.read,operator.write"],
];

function sent(headers: HeaderPair[], userHeader = "x-user"): HeaderPair[] {
  return originHeaders(openHead({ headers }), userHeader);
}

test("harmless headers pass unchanged and in order, ours follow once", () => {
  const harmless: HeaderPair[] = [
    ["Accept", "text/html"],
    ["User-Agent", "UA ÿ"],
    ["If-None-Match", '"x"'],
    ["Origin", "https://gw.example"],
    ["Cookie", "plugin=1"],
    ["Range", ""],
  ];
  expect(sent(harmless)).toEqual([["Host", "gw.example"], ...harmless, ...OURS]);
});

test.each([
  "x-user",
  "X-USER",
  "X-Forwarded-User",
  "X-Forwarded-For",
  "x_forwarded_for",
  "Forwarded",
  "X-Real-IP",
  "x-openclaw-scopes",
  "X_OpenClaw_Scopes",
  "X-OpenClaw-Anything",
  "x-tidegate-relay",
  "Cf-Access-Jwt-Assertion",
  "CF-Access-Client-Secret",
  "CF-Connecting-IP",
  "Authorization",
  "Proxy-Authorization",
  "Host",
  "Content-Length",
  "Transfer-Encoding",
  "Expect",
  "Trailer",
  "TE",
  "Upgrade",
  "Connection",
  "Keep-Alive",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Extensions",
  "__proto__",
])("%s of a client never reaches the origin", (name) => {
  expect(sent([[name, "evil"]])).toEqual([["Host", "gw.example"], ...OURS]);
});

test("a Connection header takes away the client's headers only, never ours", () => {
  const headers: HeaderPair[] = [
    ["Connection", "close, X-OpenClaw-Scopes , x-user,ACCEPT"],
    ["Accept", "text/html"],
  ];
  expect(sent(headers)).toEqual([["Host", "gw.example"], ...OURS]);
});

test("a user header that is also a client header's name is ours alone", () => {
  expect(sent([["Referer", "evil"]], "referer").filter(([name]) => name.toLowerCase() === "referer")).toEqual([
    ["referer", "alice@example.com"],
  ]);
});

test("cookies of this product and of Cloudflare stay here, others go on", () => {
  const cookie = "__Host-tidegate-acme=s; a=1; TIDEGATE-x=2;CF_Authorization=jwt; b=tidegate-y";
  expect(sent([["Cookie", cookie]])).toContainEqual(["Cookie", "a=1; b=tidegate-y"]);
  expect(sent([["Cookie", "__Host-tidegate-acme=s"]])).toHaveLength(1 + OURS.length);
});

test.each([
  ["an absolute target", { target: "http://evil/" }, "refused_target"],
  ["another host's path", { target: "//evil/tools/invoke" }, "refused_target"],
  ["a backslash", { target: "/tools\\invoke" }, "refused_target"],
  ["a dot segment", { target: "/x/../tools/invoke" }, "refused_target"],
  [
    "a lower class than the target's",
    { kind: "ws", target: "/__openclaw__/worker", routeClass: "gateway" },
    "refused_target",
  ],
  ["a write called ui", { method: "POST", target: "/hooks", routeClass: "ui" }, "refused_target"],
  ["an upgrade that is no GET", { kind: "ws", method: "POST", routeClass: "gateway" }, "bad_head"],
  ["no user", { user: "" }, "bad_head"],
  ["two users", { user: "alice@example.com, bob@example.com" }, "bad_head"],
  ["no scopes", { scopes: [] }, "bad_head"],
  ["no address", { clientAddress: "" }, "bad_head"],
  ["no host", { host: "" }, "bad_head"],
  ["pairing over HTTP", { scopes: ["operator.read", "operator.pairing"] }, "bad_head"],
] as const)("a head with %s is refused", (_name, fields, refusal) => {
  expect(refuseHead(openHead({ ...fields, scopes: "scopes" in fields ? [...fields.scopes] : ["operator.read"] }))).toBe(
    refusal,
  );
});

test("an administrator's WebSocket may carry operator.admin", () => {
  expect(refuseHead(openHead({ kind: "ws", role: "admin", scopes: ["operator.admin"] }))).toBeNull();
});

test.each([
  ["Set-Cookie", "__Host-x=1"],
  ["set-cookie", "__SECURE-x=1"],
  ["Set-Cookie", " Tidegate-acme=1; Path=/"],
  ["Set-Cookie", "a=1; domain = gw.example"],
  ["Set-Cookie", "=tidegate-acme=1"],
  ["Set-Cookie", "tidegate-acme"],
  ["Access-Control-Allow-Origin", "*"],
  ["Clear-Site-Data", '"*"'],
  ["Service-Worker-Allowed", "/"],
  ["Alt-Svc", "h3"],
  ["NEL", "{}"],
  ["Report-To", "{}"],
  ["Refresh", "0; url=x"],
  ["Transfer-Encoding", "chunked"],
  ["Connection", "close"],
  ["X-Tidegate-Error", "session_expired"],
])("the response header %s: %s is dropped", (name, value) => {
  expect(filterResponseHeaders([[name, value]])).toEqual([]);
});

test("other response headers pass byte for byte, in order", () => {
  const pairs: HeaderPair[] = [
    ["Content-Encoding", "br"],
    ["Set-Cookie", "plugin=1; Path=/p; HttpOnly; Secure"],
    ["Set-Cookie", "b=domain"],
    ["X-Frame-Options", "DENY"],
  ];
  expect(filterResponseHeaders([...pairs, ["Connection", "X-Gone"], ["x-gone", "1"]])).toEqual(pairs);
});

test.each([
  ["a status that is no response's", 101, []],
  ["too many headers", 200, Array.from({ length: 402 }, (_, n) => `X-${n}`)],
  ["too large a head", 200, ["X-A", "a".repeat(33_000)]],
  ["a control character", 200, ["X-A", "a\u0001b"]],
])("%s makes no head", (_name, status, raw) => {
  expect(responseHead(status, raw)).toBeNull();
});
