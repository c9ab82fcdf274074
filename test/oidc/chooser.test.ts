/** Which provider: the pages before anybody has gone anywhere. */
import { expect, test } from "vitest";
import { settingsFor, Visitor } from "./visitor.ts";

const two = () => [
  settingsFor("https://one.example", { id: "one", label: "One <b>" }),
  settingsFor("https://two.example", { id: "two", label: "Two", emailDomains: ["example.com"] }),
];

test("the chooser has links that keep the way back, no script, and no attempt yet", async () => {
  const visitor = new Visitor(two());
  const { response, text } = await visitor.arrive("/_gate/login?next=%2Fchat%2Fmain%3Fa%3D1%26b%3D2");
  expect([response.status, visitor.cookies.size, visitor.calls.objects]).toEqual([200, 0, 0]);
  expect(text).toContain('href="/_gate/login?provider=one&amp;next=%2Fchat%2Fmain%3Fa%3D1%26b%3D2"');
  expect(text).toContain("One &lt;b&gt;");
  expect(text).not.toMatch(/<script|<b>/);
  expect(response.headers.get("content-security-policy")).toMatch(/default-src 'none'.*form-action 'self'/);
});

test("a work e-mail leads on by a page of its own, since a form's redirect may not leave this site", async () => {
  const visitor = new Visitor(two());
  const query = new URLSearchParams({ login_hint: "bob@example.com", next: "//evil.example/" });
  const { response, text } = await visitor.arrive(`/_gate/login/by-email?${query}`);
  expect(response.status).toBe(200);
  expect(text).toContain('content="0;url=/_gate/login?login_hint=bob%40example.com&amp;next=%2F"');
});

test("without a provider that speaks for domains there is no e-mail field", async () => {
  const { text } = await new Visitor(two().map((one) => ({ ...one, emailDomains: null }))).arrive("/_gate/login");
  expect(text).not.toContain("login_hint");
});

test.each(["provider=three", "iss=https%3A%2F%2Fone.example%2F", "provider=one&iss=https%3A%2F%2Ftwo.example"])(
  "%s names none of them, and nobody is sent to the next best",
  async (query) => {
    const { response, code } = await new Visitor(two()).arrive(`/_gate/login?${query}`);
    expect([response.status, code]).toEqual([404, "unknown_provider"]);
  },
);
