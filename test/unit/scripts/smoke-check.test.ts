import { expect, test } from "vitest";
import { CHECKS, type Answer } from "../../../scripts/deploy/smoke-check.ts";

const answer = (status: number, headers: Answer["headers"] = {}, body = ""): Answer => ({ status, headers, body });
const faults = (given: Answer) => CHECKS.map(({ fault }) => fault(given));

test("a gateway in order passes all three checks", () => {
  const [healthz, login, readyz] = CHECKS;
  expect(healthz?.fault(answer(200, {}, "ok"))).toBeNull();
  expect(login?.fault(answer(302, { location: "https://acme.okta.com/authorize?x=1" }))).toBeNull();
  expect(login?.fault(answer(200, {}, "<html>"))).toBeNull();
  expect(readyz?.fault(answer(200, {}, "ready"))).toBeNull();
});

test.each<[string, Answer, RegExp]>([
  [
    "Access",
    answer(302, { location: "https://acme.cloudflareaccess.com/cdn-cgi/access/login/x" }),
    /^Cloudflare Access stands/,
  ],
  ["a challenge", answer(403, { "cf-mitigated": "challenge" }, "<html>"), /^Cloudflare challenges visitors/],
  [
    "a refused configuration",
    answer(500, { "x-tidegate-error": "config_invalid" }),
    /^the gateway refuses its configuration/,
  ],
  ["a Worker that does not run", answer(500, {}, "error code: 1101"), /^Cloudflare could not run the Worker/],
  ["a used-up free plan", answer(429, {}, "error code: 1027"), /100,000 requests a day/],
])("%s is told whatever was asked for", (_, given, text) => {
  for (const fault of faults(given)) expect(fault).toMatch(text);
});

test("what else answers is told by its status, and by our code only if it can be one", () => {
  const [healthz, login] = CHECKS;
  expect(healthz?.fault(answer(200, {}, "<h1>Parked</h1>"))).toBe("answers 200");
  expect(login?.fault(answer(404, { "x-tidegate-error": "unknown_tenant" }))).toBe("answers 404 (unknown_tenant)");
  expect(login?.fault(answer(503, { "x-tidegate-error": "provider_down" }))).toContain("does not reach the provider");
  expect(login?.fault(answer(404, { "x-tidegate-error": "\u001b[2J" }))).toBe("answers 404");
});

test("a redirect to a provider that is called like Access is not Access", () => {
  expect(CHECKS[1]?.fault(answer(302, { location: "https://login.example/?x=.cloudflareaccess.com/" }))).toBeNull();
});
