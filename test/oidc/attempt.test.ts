import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../worker/cookies/base64url.ts";
import { SealedCookies } from "../../worker/cookies/sealed-cookies.ts";
import { attemptCookieName, attemptId, newAttempt, type Attempt } from "../../worker/oidc/attempt.ts";
import { returnTarget } from "../../worker/not-signed-in.ts";
import { isCanonicalTarget } from "#protocol/request-target.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { ORIGIN, SECRET } from "../unit/worker/app.ts";
import { settingsFor, Visitor } from "./visitor.ts";

const OTHER = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZQ";
const NAME = attemptCookieName("AAAAAAAAAAA", true);
const attempt = newAttempt("fake", "/chat/main", 1_800_000_000_000);
const attemptCookies = (secrets: string[]) => new SealedCookies<Attempt>(secrets, "attempt-cookie");
let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

test("an attempt opens where it was sealed, and under no other tenant, name or secret", async () => {
  const cookies = attemptCookies([SECRET]);
  const value = (await cookies.seal("default", NAME, attempt))!;
  expect(await cookies.open("default", NAME, value)).toEqual(attempt);
  expect(await cookies.open("other", NAME, value)).toBeUndefined();
  expect(await cookies.open("default", attemptCookieName("AAAAAAAAAAA", false), value)).toBeUndefined();
  expect(await cookies.open("default", attemptCookieName("AAAAAAAAAAB", true), value)).toBeUndefined();
  expect(await attemptCookies([OTHER]).open("default", NAME, value)).toBeUndefined();
  expect(await new SealedCookies([SECRET], "sign-out-hint").open("default", NAME, value)).toBeUndefined();
  expect(await attemptCookies([OTHER, SECRET]).open("default", NAME, value)).toEqual(attempt);
});

test("nothing of it can be read, and no two look alike", async () => {
  const cookies = attemptCookies([SECRET]);
  const [one, two] = [(await cookies.seal("default", NAME, attempt))!, (await cookies.seal("default", NAME, attempt))!];
  expect(one).not.toBe(two);
  const text = new TextDecoder().decode(fromBase64Url(one));
  for (const secret of [attempt.state, attempt.nonce, attempt.codeVerifier, attempt.next])
    expect(text).not.toContain(secret);
  expect(one.length).toBeLessThan(600);
});

test("any changed bit is refused", async () => {
  const cookies = attemptCookies([SECRET]);
  const sealed = fromBase64Url((await cookies.seal("default", NAME, attempt))!)!;
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.byteLength * 8 - 1), async (bit) => {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(await cookies.open("default", NAME, toBase64Url(changed))).toBeUndefined();
    }),
  );
});

test("no text is an attempt by chance, and none makes it throw", async () => {
  const cookies = attemptCookies([SECRET]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[\w-]*$/)), async (value) => {
      expect(await cookies.open("default", NAME, value)).toBeUndefined();
    }),
  );
});

test("any tab's attempt survives sealing, whatever it wants to come back to", async () => {
  const cookies = attemptCookies([SECRET]);
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 2_000, unit: "grapheme-ascii" }), async (next) => {
      const made = newAttempt("fake", next, 0);
      expect(made.next).toBe(next.length <= 1_024 ? next : "/");
      const value = (await cookies.seal("default", NAME, made))!;
      expect(await cookies.open("default", NAME, value)).toEqual(made);
      expect(value.length + NAME.length).toBeLessThan(4_000);
    }),
  );
});

test("a return path leads to this origin, to nothing of ours, and to what OpenClaw reads as written", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "/",
      "\\",
      "//",
      "..",
      ".",
      "%2f",
      "%5c",
      "%09",
      "\t",
      "\r\n",
      "@",
      ":",
      "?",
      "#",
      "evil.example",
      "https:",
      "javascript:",
      "_gate",
      "_GATE",
      "chat",
      "%00",
      " ",
      "\u00a0",
      "\u2028",
      "a",
      "=",
      "&",
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((list) => list.join("")),
        fc.string(),
        fc.webUrl(),
      ),
      (wanted) => {
        const target = returnTarget(wanted);
        expect(isCanonicalTarget(target)).toBe(true);
        const url = new URL(target, ORIGIN);
        expect(url.origin).toBe(ORIGIN);
        expect(url.pathname).not.toMatch(/^\/_gate/);
        expect(target).not.toMatch(/^\/[/\\]/);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("seven tabs hold five attempts; each of the five ends in its own place, once", async () => {
  let now = Date.now();
  const visitor = new Visitor([settingsFor(provider.issuer)], { now: () => now });
  const tabs: string[] = [];
  for (let tab = 0; tab < 7; tab++) {
    now += 1_000;
    tabs.push(await visitor.leave(`/_gate/login?next=/tab/${tab}`));
  }
  expect(visitor.attempts).toHaveLength(5);
  const back = await Promise.all(tabs.map((location) => visitor.visitProvider(location)));
  const codes = [];
  for (const target of back) {
    const { response, code } = await visitor.arrive(target);
    codes.push(code ?? response.headers.get("location"));
  }
  expect(codes).toEqual(["attempt_expired", "attempt_expired", "/tab/2", "/tab/3", "/tab/4", "/tab/5", "/tab/6"]);
  expect(visitor.attempts).toEqual([]);
  expect((await visitor.arrive(back[6] ?? "")).code).toBe("attempt_expired");
});

test("an attempt is over after ten minutes, and cookies that cannot be read are cleared away", async () => {
  let now = Date.now();
  const visitor = new Visitor([settingsFor(provider.issuer)], { now: () => now });
  visitor.cookies.set("tidegate-attempt-madeup", "x");
  const location = await visitor.leave("/_gate/login?next=/chat/main");
  expect(visitor.attempts).toHaveLength(1);
  const target = await visitor.visitProvider(location);
  now += 10 * 60_000;
  const { response, text, code } = await visitor.arrive(target);
  expect([response.status, code]).toEqual([400, "attempt_expired"]);
  expect(text).toContain("Sign in again");
  // What they wanted is not forgotten.
  expect(text).toContain('href="/_gate/login?next=%2Fchat%2Fmain"');
  expect([provider.count("/token"), visitor.calls.objects, visitor.cookies.size]).toEqual([0, 0, 0]);
});

test("the cookie is the browser's own: __Host-, Secure, HttpOnly, Lax", async () => {
  const vars = { PUBLIC_URL: "https://claw.example.com" };
  const visitor = new Visitor([settingsFor(provider.issuer)], { vars });
  const response = await visitor.get("/_gate/login");
  expect(response.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^__Host-tidegate-attempt-[\w-]{11}=[\w-]+; Max-Age=3600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    ),
  ]);
  const id = attemptId(new URL(response.headers.get("location") ?? "").searchParams.get("state"));
  expect(visitor.attempts).toEqual([`__Host-tidegate-attempt-${id}`]);
});

test("ten thousand anonymous requests of every kind reach no object", { timeout: 60_000 }, async () => {
  const visitor = new Visitor([settingsFor(provider.issuer)]);
  const forged = `/_gate/callback/fake?code=x&iss=${encodeURIComponent(provider.issuer)}&state=AAAAAAAAAAA.${"A".repeat(32)}`;
  const sealed = await attemptCookies([OTHER]).seal("default", "tidegate-attempt-AAAAAAAAAAA", attempt);
  const targets = [
    "/_gate/login",
    forged,
    "/",
    "/_gate/callback/none",
    "/_gate/logout",
    "/_gate/session",
    "/_gate/login?iss=x",
    "/_gate/signed-out",
    "/chat/main",
    "/_gate/login/by-email?login_hint=x",
  ];
  for (let turn = 0; turn < 1_000; turn++) {
    for (const target of targets) {
      const cookie = `tidegate-attempt-AAAAAAAAAAA=${sealed}; tidegate-default=${turn}`;
      await visitor.gateway.send(target, { headers: { cookie, "sec-fetch-mode": "navigate", accept: "text/html" } });
    }
  }
  expect(visitor.calls.objects).toBe(0);
  expect(provider.count("/token")).toBe(0);
  expect(provider.count("/.well-known/openid-configuration")).toBe(1);
});
