import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filterResponseHeaders } from "#protocol/headers.ts";
import { isUserString, safeName, scopesFor } from "#protocol/identity.ts";
import { relayableClose } from "#protocol/close-codes.ts";
import { classifyTarget, isCanonicalTarget, rawTarget } from "#protocol/request-target.ts";
import { HOSTILE_TARGETS, REAL_TARGETS } from "../../support/targets.ts";

describe("a request target", () => {
  test.each(HOSTILE_TARGETS)("%s is refused", (target) => expect(isCanonicalTarget(target)).toBe(false));
  test.each(REAL_TARGETS)("%s passes", (target) => expect(isCanonicalTarget(target)).toBe(true));

  test("is cut from the URL as it stands", () => {
    expect(rawTarget("http://gw.example//x/tools/invoke?a#b")).toBe("//x/tools/invoke?a#b");
    expect(rawTarget("http://gw.example*")).toBe("");
    expect(rawTarget("http://gw.example?x")).toBe("?x");
  });

  test("that passes is classified as OpenClaw's own parser routes it", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[/\\.%a-z:@?#-]{0,24}$/), (text) => {
        const target = `/${text}`;
        if (!isCanonicalTarget(target)) return;
        const seen = new URL(target, "http://127.0.0.1").pathname;
        expect(classifyTarget("POST", target, false)).toBe(classifyTarget("POST", seen, false));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("a route class", () => {
  test.each([
    ["POST", "/tools/invoke", false, "tools"],
    ["POST", "/Tools/Invoke", false, null],
    ["POST", "/anything", false, null],
    ["DELETE", "/", false, null],
    ["DELETE", "/api/users/1", false, "write"],
    ["TRACE", "/api/users/1", false, null],
    ["GET", "/anything", false, "ui"],
    ["GET", "/", true, "gateway"],
    ["GET", "/__openclaw__/worker", true, "worker"],
    ["GET", "/__OPENCLAW__/worker", true, "gateway"],
  ] as const)("of %s %s (upgrade %s) is %s", (method, target, upgrade, routeClass) => {
    expect(classifyTarget(method, target, upgrade)).toBe(routeClass);
  });
});

test.each([
  ["set-cookie", "__Host-tidegate-default=x"],
  ["Set-Cookie", "tidegate-default=x"],
  ["set-cookie", "a=b; Domain=example.com"],
  ["set-cookie", "__Secure-x=1"],
  ["Access-Control-Allow-Origin", "*"],
  ["clear-site-data", '"cookies"'],
  ["Service-Worker-Allowed", "/"],
  ["x-tidegate-error", "fake"],
  ["connection", "x-a"],
  ["x-a", "nominated"],
  ["refresh", "0; url=/_gate/logout"],
  ["sEt-cOOkie", " \t__hOSt-tidegate-default=x"],
  ["reporting-endpoints", 'default="https://evil.example"'],
  ["SourceMap", "https://evil.example/map"],
  ["Accept-CH", "Sec-CH-UA-Model"],
  ["Secure-Session-Registration", '(ES256);path="/register";challenge="c"'],
  ["sec-session-registration", '(ES256);path="/register";challenge="c"'],
  ["Use-As-Dictionary", 'match="/_gate/*"'],
  ["Set-Login", "logged-in"],
  ["WWW-Authenticate", 'Basic realm="your password, please"'],
  ["www-authenticate", "NEGOTIATE"],
  ["www-authenticate", 'Bearer realm="x", basic realm="y"'],
  ["www-authenticate", ',\tDigest realm="x", nonce="n"'],
  ["www-authenticate", "NTLM"],
])("a response's %s: %s does not reach the browser", (name, value) => {
  const kept = filterResponseHeaders([
    ["connection", "x-a"],
    [name, value],
    ["content-type", "text/html"],
  ]);
  expect(kept.map(([kept]) => kept.toLowerCase())).toEqual(["content-type"]);
});

test.each(["MCP-App", 'Bearer error="invalid_token", error_description="not basic enough"'])(
  "a challenge that no browser answers by itself passes: %s",
  (value) => expect(filterResponseHeaders([["www-authenticate", value]])).toHaveLength(1),
);

test("an ordinary cookie of the origin passes", () => {
  expect(filterResponseHeaders([["set-cookie", "grant=1; Path=/plugin; HttpOnly"]])[0]).toEqual([
    "set-cookie",
    "grant=1; Path=/plugin; HttpOnly",
  ]);
});

test.each([
  "alice@example.com, evil@x",
  "Alice@example.com",
  "alïce@example.com",
  "a@b@c",
  "a..b@c",
  "<x>@y.z",
  "system",
  "",
])("%s is no user string", (text) => expect(isUserString(text)).toBe(false));

test.each(["a\nb", "`x`", "⟦openclaw:ctx⟧", "<b>", "x".repeat(65), "a\u202Eb", "a\u200Bb", '"'])(
  "the name %j is left out",
  (name) => expect(safeName(name)).toBeNull(),
);

test.each([
  ["bytes in variation selectors", `Bob${String.fromCodePoint(0xe0159, 0xe0157, 0xe015e)}`],
  ["a variation selector", "Bob\uFE0F"],
  ["a filler that is a letter", "Bob\u3164"],
  ["nothing but fillers", "\u115F\u1160"],
  ["a joiner that is a mark", "B\u034Fob"],
  ["tags", `Bob${String.fromCodePoint(0xe0041)}`],
])("a name that hides %s is left out: people do not see what the model reads", (_name, text) =>
  expect(safeName(text)).toBeNull(),
);
test.each(["Alice", "José O’Neil-Smith", "李 雷", "J. R."])("the name %s is kept", (name) =>
  expect(safeName(name)).toBe(name),
);

test("HTTP never carries admin or pairing, and no role has an empty list", () => {
  expect(scopesFor("admin", "http")).not.toContain("operator.admin");
  expect(scopesFor("admin", "http")).not.toContain("operator.pairing");
  expect(scopesFor("admin", "ws")).toContain("operator.admin");
  expect(scopesFor("viewer", "http")).toEqual(["operator.read"]);
});

test.each([
  [1000, "bye", 1000, "bye"],
  [1005, "x", 1000, ""],
  [1006, "", 1001, ""],
  [1015, "", 1001, ""],
  [999, "", 1001, ""],
  [4003, "moved", 4003, "moved"],
  [1012, "é".repeat(100), 1012, "é".repeat(61)],
])("close %d %s is relayed as %d", (code, reason, relayed, text) => {
  expect(relayableClose(code, reason)).toEqual({ code: relayed, reason: text });
});
