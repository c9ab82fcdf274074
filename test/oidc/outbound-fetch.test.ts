import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { isAllowed, outboundFetch, OUTBOUND_LIMIT_BYTES } from "../../worker/oidc/outbound-fetch.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { settingsFor, Visitor } from "./visitor.ts";

let provider: FakeProvider;

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

const JSON_TYPE = { "content-type": "application/json" };
const answer = (work: (response: import("node:http").ServerResponse) => void, timeoutMs = 30_000) => {
  provider.faults = { raw: (path, _request, response) => (path === "/x" ? (work(response), true) : false) };
  return outboundFetch({ development: true, timeoutMs })(`${provider.issuer}/x`);
};

test("JSON of a bounded size arrives, and so do errors and empty answers", async () => {
  expect(await (await answer((response) => response.writeHead(200, JSON_TYPE).end('{"a":1}'))).json()).toEqual({
    a: 1,
  });
  expect((await answer((response) => response.writeHead(400, { "content-type": "text/html" }).end("no"))).status).toBe(
    400,
  );
  expect((await answer((response) => response.writeHead(200).end())).status).toBe(200);
});

test.each([301, 302, 303, 307, 308])("a redirect with %i is refused and not followed", async (status) => {
  const location = `${provider.issuer}/secret`;
  const asked = answer((response) => response.writeHead(status, { location }).end());
  await expect(asked).rejects.toMatchObject({ reason: "provider_redirected" });
  expect(provider.count("/secret")).toBe(0);
});

test("a page instead of JSON is refused", async () => {
  const asked = answer((response) => response.writeHead(200, { "content-type": "text/html" }).end("{}"));
  await expect(asked).rejects.toMatchObject({ reason: "provider_answer_not_json" });
});

test("an endless answer is cut at its limit, whatever its head says", async () => {
  let sent = 0;
  const asked = answer((response) => {
    response.writeHead(200, JSON_TYPE);
    const more = () => {
      while (!response.destroyed && sent < 100 * OUTBOUND_LIMIT_BYTES) {
        sent += 65_536;
        if (!response.write("x".repeat(65_536))) return void response.once("drain", more);
      }
    };
    more();
  });
  await expect(asked).rejects.toMatchObject({ reason: "provider_answer_too_large" });
  expect(sent).toBeLessThan(100 * OUTBOUND_LIMIT_BYTES);
});

test.each([
  ["never answers", () => undefined],
  [
    "stops in the middle",
    (response: import("node:http").ServerResponse) => void response.writeHead(200, JSON_TYPE).write("{"),
  ],
])("a provider that %s is given up on", async (_what, work) => {
  await expect(answer(work, 300)).rejects.toMatchObject({ reason: "provider_timeout" });
});

test("a provider that is not there is a page, 502, and leaves no cookie", async () => {
  const visitor = new Visitor([settingsFor("http://127.0.0.1:1")]);
  const { response, text, code } = await visitor.arrive("/_gate/login");
  expect([response.status, code, visitor.cookies.size]).toEqual([502, "provider_down", 0]);
  expect(text).toContain("The sign-in service does not answer");
  expect(visitor.logged[0]).toMatchObject({ event: "login.failed", provider: "fake", reason: "provider_unreachable" });
});

test.each(["https://login.example.com/x", "https://accounts.google.com"])("in production %s may be asked", (url) =>
  expect(isAllowed(new URL(url), false)).toBe(true),
);

test.each([
  "http://login.example.com/",
  "http://127.0.0.1/",
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://[::1]/",
  "https://[::ffff:10.0.0.1]/",
  "https://10.0.0.1/",
  "https://169.254.169.254/latest/meta-data",
  "https://localhost/",
  "https://a.localhost/",
  "https://localhost./",
  "https://intranet/",
  "https://idp.internal/",
  "https://idp.local/",
  "https://user:secret@login.example.com/",
  "file:///etc/passwd",
  "data:application/json,{}",
])("in production %s is refused before anything is sent", async (url) => {
  expect(isAllowed(new URL(url), false)).toBe(false);
  let sent = 0;
  const fetch = async () => (sent++, new Response());
  await expect(outboundFetch({ development: false, fetch })(url)).rejects.toMatchObject({
    reason: "provider_url_refused",
  });
  expect(sent).toBe(0);
});

test("in development plain http is for loopback only", () => {
  expect(isAllowed(new URL("http://127.0.0.1:4000/"), true)).toBe(true);
  expect(isAllowed(new URL("http://10.0.0.1/"), true)).toBe(false);
  expect(isAllowed(new URL("http://127.0.0.1.evil.example/"), true)).toBe(false);
});

test.each(["token_endpoint", "jwks_uri", "userinfo_endpoint", "authorization_endpoint"])(
  "metadata whose %s is no address to go to signs nobody in",
  async (name) => {
    provider.faults = { metadata: (metadata) => ({ ...metadata, [name]: "http://10.0.0.1/" }) };
    const visitor = new Visitor([settingsFor(provider.issuer)]);
    const left = await visitor.get("/_gate/login");
    const location = left.headers.get("location");
    const { code } =
      location === null
        ? { code: left.headers.get("x-tidegate-error") }
        : await visitor.arrive(await visitor.visitProvider(location));
    expect(code).toBe("provider_down");
    expect(visitor.calls.objects).toBe(0);
  },
);
