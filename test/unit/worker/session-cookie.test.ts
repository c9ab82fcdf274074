import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../worker/cookies/base64url.ts";
import { cookieName, SessionCookies } from "../../../worker/cookies/session-cookie.ts";
import { NOW, SECRET, SESSION } from "./app.ts";

const OTHER = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZQ";
const reference = { session: SESSION, shard: 3, expiresAt: NOW / 1000 + 60 };
/** Kept: a change here signs everybody out. */
const GOLDEN = "AcEDa0nSPAABAgMEBQYHCAkKCwwNDg8HZGVmYXVsdLsaia82E1VgJzIZsk33j01Nh22yaeo57J-CghoUAO1W";

test("a sealed cookie has its golden bytes and reads back", async () => {
  const cookies = new SessionCookies([SECRET]);
  expect(await cookies.seal("default", reference)).toBe(GOLDEN);
  expect(await cookies.read("default", GOLDEN, NOW)).toEqual({ kind: "valid", reference });
  expect(await cookies.read("default", GOLDEN, NOW + 60_000)).toEqual({ kind: "expired", reference });
});

test("any changed bit is refused", async () => {
  const cookies = new SessionCookies([SECRET]);
  const sealed = fromBase64Url(GOLDEN)!;
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.byteLength * 8 - 1), async (bit) => {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(await cookies.read("default", toBase64Url(changed), NOW)).toBeUndefined();
    }),
  );
});

test.each([
  ["nothing", ""],
  ["no base64url", "a+b/c="],
  ["too short", "AWQA"],
  ["too long", "A".repeat(300)],
  ["padded", `${GOLDEN}=`],
  ["doubled", GOLDEN + GOLDEN],
])("%s is refused", async (_name, value) => {
  expect(await new SessionCookies([SECRET]).read("default", value, NOW)).toBeUndefined();
});

test("another tenant's cookie and another deployment's are refused", async () => {
  const cookies = new SessionCookies([SECRET]);
  expect(await cookies.read("other", await cookies.seal("default", reference), NOW)).toBeUndefined();
  expect(await new SessionCookies([OTHER]).read("default", GOLDEN, NOW)).toBeUndefined();
});

test("the ring's first secret signs, every one verifies", async () => {
  const rotated = new SessionCookies([OTHER, SECRET]);
  expect(await rotated.read("default", GOLDEN, NOW)).toMatchObject({ kind: "valid" });
  expect(
    await new SessionCookies([SECRET]).read("default", await rotated.seal("default", reference), NOW),
  ).toBeUndefined();
});

test("the cookie's name carries the tenant, and __Host- wherever the browser lets it", () => {
  expect(cookieName("acme", true)).toBe("__Host-tidegate-acme");
  expect(cookieName("acme", false)).toBe("tidegate-acme");
});
