import fc from "fast-check";
import { expect, test } from "vitest";
import { emailDomain, normalizeDomain, normalizeEmail } from "../../../../worker/access/email.ts";

test.each([
  ["alice@example.com", "alice@example.com"],
  ["Alice@EXAMPLE.com", "alice@example.com"],
  ["alice+tag@example.com", "alice+tag@example.com"],
  ["o'brien@sub.example.co", "o'brien@sub.example.co"],
  ["a@bücher.example", "a@xn--bcher-kva.example"],
  ["a@BÜCHER.example", "a@xn--bcher-kva.example"],
  ["a@xn--bcher-kva.example", "a@xn--bcher-kva.example"],
  ["a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"],
])("%s is the address %s", (text, email) => {
  expect(normalizeEmail(text)).toBe(email);
});

test.each([
  ["nothing", ""],
  ["no domain", "alice@"],
  ["no name", "@example.com"],
  ["a trailing dot", "alice@example.com."],
  ["a leading dot in the domain", "alice@.example.com"],
  ["two @", "alice@evil.test@example.com"],
  ["an @ in quotes", '"alice@example.com"@evil.test'],
  ["a display name", "Alice <alice@example.com>"],
  ["only brackets", "<alice@example.com>"],
  ["a comment", "alice(@evil.test)@example.com"],
  ["mailto:", "mailto:alice@example.com"],
  ["a space", "alice @example.com"],
  ["a space at the end", "alice@example.com "],
  ["a line end", "alice@example.com\n"],
  ["a line end inside", "alice\r\n@example.com"],
  ["a NUL", "alice\0@example.com"],
  ["a list", "alice@example.com,eve@evil.test"],
  ["a Cyrillic a in the name", "\u0430lice@example.com"],
  ["a Kelvin sign in the name", "mi\u212Ae@example.com"],
  ["a long s in the name", "\u017Fam@example.com"],
  ["a Kelvin sign in the domain", "a@\u212Aube.example"],
  ["full-width letters in the domain", "a@ｅxample.com"],
  ["a full-width dot", "a@example．com"],
  ["an ideographic dot", "a@example。com"],
  ["a full-width @", "a＠example.com"],
  ["a soft hyphen in the domain", "a@exam\u00adple.com"],
  ["a zero-width space", "a@exam\u200bple.com"],
  ["a right-to-left mark", "a@\u200fexample.com"],
  ["percent encoding", "a@ex%61mple.com"],
  ["a port", "a@example.com:443"],
  ["a path", "a@example.com/x"],
  ["an IP address", "a@127.0.0.1"],
  ["a short IP address", "a@0x7f.1"],
  ["an IP literal", "a@[127.0.0.1]"],
  ["a single label", "a@localhost"],
  ["an empty label", "a@example..com"],
  ["dots in the name", "a..b@example.com"],
  ["a dot at the name's end", "a.@example.com"],
  ["a hyphen at a label's end", "a@example-.com"],
  ["a broken A-label", "a@xn--.com"],
  ["decomposed letters", "a@bu\u0308cher.example"],
  ["a long name", `${"a".repeat(65)}@example.com`],
  ["a long domain", `a@${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(20)}.com`],
])("%s makes it no address", (_name, text) => {
  expect(normalizeEmail(text)).toBeNull();
});

test("lookalike domains stay other domains", () => {
  const real = normalizeDomain("example.com");
  for (const other of ["ex\u0430mple.com", "exámple.com", "examp1e.com", "sub.example.com", "notexample.com"]) {
    expect(normalizeDomain(other)).not.toBeNull();
    expect(normalizeDomain(other)).not.toBe(real);
  }
});

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])$/).filter((text) => !text.startsWith("xn--"));
const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join("."));
const local = fc.stringMatching(/^[a-z0-9+_]{1,12}$/);

test("whatever comes out comes out again, is ASCII, and has one @", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), domain).map(([name, host]) => `${name}@${host}`),
    fc.tuple(local, fc.string({ unit: "binary", maxLength: 12 })).map(([name, host]) => `${name}@${host}.com`),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const email = normalizeEmail(text);
      if (email === null) return;
      expect(email).toMatch(/^[\x21-\x3f\x41-\x7e]+@[a-z0-9.-]+$/);
      expect(normalizeEmail(email)).toBe(email);
    }),
    { numRuns: 2_000 },
  );
});

test("only upper case may differ between two ASCII spellings of one address", () => {
  fc.assert(
    fc.property(local, domain, fc.func(fc.boolean()), (name, host, upper) => {
      const plain = `${name}@${host}`;
      const mixed = [...plain].map((char, index) => (upper(index) ? char.toUpperCase() : char)).join("");
      expect(normalizeEmail(mixed)).toBe(plain);
      expect(emailDomain(plain)).toBe(host);
    }),
  );
});

test("one character more or less is another domain or none", () => {
  fc.assert(
    fc.property(domain, fc.nat(30), fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), (host, at, extra) => {
      const where = Math.min(at, host.length);
      const changed = host.slice(0, where) + extra + host.slice(where);
      expect(normalizeDomain(changed)).not.toBe(host);
    }),
    { numRuns: 2_000 },
  );
});
