import { expect, test } from "vitest";
import { ConfigError, type Env } from "../../../worker/env.ts";
import { signInFromEnv } from "../../../worker/oidc/env-providers.ts";
import type { VerifiedIdentity } from "../../../worker/oidc/provider-settings.ts";

const good = {
  OIDC_ISSUER: "https://op.example.com/realm/",
  OIDC_CLIENT_ID: "tidegate",
  OIDC_CLIENT_SECRET: "hunter2",
  ALLOW_EMAILS: "Carol@partner.example",
  ALLOW_DOMAINS: "example.com",
  ADMIN_EMAILS: "alice@example.com",
};
const parse = (vars: Record<string, string>, development = false) => signInFromEnv(vars as unknown as Env, development);

test("an issuer is kept byte for byte, and the secret stays out of everything but its place", () => {
  const [provider] = parse(good).providers;
  expect(provider).toMatchObject({
    issuer: "https://op.example.com/realm/",
    clientAuth: { method: "client_secret_basic", secret: "hunter2" },
  });
});

test.each([
  [{ OIDC_ISSUER: "http://op.example.com" }, "OIDC_ISSUER"],
  [{ OIDC_ISSUER: "https://10.0.0.1" }, "OIDC_ISSUER"],
  [{ OIDC_ISSUER: "https://op.example.com/?tenant=x" }, "OIDC_ISSUER"],
  [{ OIDC_CLIENT_AUTH: "none" }, "OIDC_CLIENT_AUTH"],
  [{ OIDC_CLIENT_AUTH: "private_key_jwt" }, "OIDC_CLIENT_AUTH"],
  [{ OIDC_ISSUER: "", OIDC_CLIENT_ID: "", OIDC_CLIENT_SECRET: "" }, "OIDC_ISSUER; OIDC_CLIENT_ID; OIDC_CLIENT_SECRET"],
])("%o is refused by name and never by value", (vars, names) => {
  const attempt = () => parse({ ...good, ...vars });
  expect(attempt).toThrowError(ConfigError);
  expect(attempt).toThrowError(names);
  expect(attempt).not.toThrowError(/hunter2/);
});

test.each([
  ["alice@example.com", "admin"],
  ["bob@example.com", "user"],
  ["carol@partner.example", "user"],
  ["dave@partner.example", undefined],
  ["eve@sub.example.com", undefined],
  [null, undefined],
])("%s comes in as %s", (email, role) => {
  expect(parse(good).admit({ email } as VerifiedIdentity)?.role).toBe(role);
});

test("nobody comes in by default", () => {
  const { admit } = parse({ ...good, ALLOW_EMAILS: "", ALLOW_DOMAINS: "", ADMIN_EMAILS: "" });
  expect(admit({ email: "alice@example.com" } as VerifiedIdentity)).toBeNull();
});
