import fc from "fast-check";
import { expect, test } from "vitest";
import { addressPrefix } from "#protocol/address-prefix.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:0db8:0000:0000:ffff:1:2:3", "2001:db8:0:0::/64"],
  ["2001:DB8:0:1::", "2001:db8:0:1::/64"],
  ["::1", "0:0:0:0::/64"],
  ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"],
])("%s counts as %s", (address, prefix) => {
  expect(addressPrefix(address)).toBe(prefix);
});

test.each([
  "",
  "alice",
  "1.2.3",
  "1:2:3",
  "::1::",
  "2001:db8::12345",
  "1:2:3:4:5:6:7:8:9",
  "::ffff:300.1.1.1",
  "x".repeat(99),
])("what is no address is nobody's own: %j", (address) => {
  expect(addressPrefix(address)).toBe("unknown");
});

test("all addresses of one /64 are one, and of another one another", () => {
  fc.assert(
    fc.property(
      fc.ipV6(),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 }),
      (some, last) => {
        const prefix = addressPrefix(some);
        fc.pre(prefix.endsWith("::/64"));
        const groups = prefix.slice(0, -5);
        expect(addressPrefix(`${groups}:${last.map((group) => group.toString(16)).join(":")}`)).toBe(
          groups === "0:0:0:0" ? addressPrefix(`::${last.map((group) => group.toString(16)).join(":")}`) : prefix,
        );
      },
    ),
  );
});
