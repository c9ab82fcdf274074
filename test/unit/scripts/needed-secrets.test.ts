import { expect, test } from "vitest";
import { collectSecrets } from "../../../scripts/deploy/needed-secrets.ts";

const vars = { AUTHSEC_MODE: "oidc" };
const provider = (preset: string, clientSecret: string) => ({
  preset,
  issuer: preset === "okta" ? "https://acme.okta.com" : "https://sso.example.com/realms/acme",
  clientId: "x",
  clientSecret,
  emailDomains: [`${preset}.example.com`],
});
const providers = [provider("okta", "OKTA_CLIENT_SECRET"), provider("keycloak", "KEYCLOAK_CLIENT_SECRET")];
const file = { tenants: [{ id: "claw", hosts: ["claw.example.com"], providers }] };
const GOOD = "kY7-example-Qz31-Vb";

test("what Cloudflare has is neither asked for nor replaced", async () => {
  const present = ["SESSION_SECRET", "OKTA_CLIENT_SECRET", "KEYCLOAK_CLIENT_SECRET"];
  const env = { SESSION_SECRET: "another", OKTA_CLIENT_SECRET: "another" };
  const ask = () => Promise.reject(new Error("asked"));
  expect(await collectSecrets(vars, file, present, { env, ask })).toEqual({ values: {}, made: [], given: [] });
});

test("the session secret is made, the others come from the environment or from the person, by name", async () => {
  const asked: string[] = [];
  const ask = (name: string) => Promise.resolve(asked.push(name) > 0 ? GOOD : "");
  const { values, made, given } = await collectSecrets(vars, file, [], {
    env: { OKTA_CLIENT_SECRET: `${GOOD}2` },
    ask,
  });
  expect(asked).toEqual(["KEYCLOAK_CLIENT_SECRET"]);
  expect(made).toEqual(["SESSION_SECRET"]);
  expect(given).toEqual(["OKTA_CLIENT_SECRET", "KEYCLOAK_CLIENT_SECRET"]);
  expect(values["SESSION_SECRET"]).toMatch(/^[\w-]{43}$/);
  expect(values).toMatchObject({ OKTA_CLIENT_SECRET: `${GOOD}2`, KEYCLOAK_CLIENT_SECRET: GOOD });
});

test("all that are missing are told at once", async () => {
  await expect(collectSecrets(vars, file, [], { env: {} })).rejects.toThrow(
    /^OKTA_CLIENT_SECRET, KEYCLOAK_CLIENT_SECRET: neither at Cloudflare nor in the environment\. Set them for/,
  );
});

test.each([
  ["SESSION_SECRET", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"],
  ["SESSION_SECRET", "hunter2"],
  ["OKTA_CLIENT_SECRET", `${GOOD}\n`],
  ["OKTA_CLIENT_SECRET", "aaaaaaaaaaaa"],
])("a %s that cannot be used is told by its name, without a part of it", async (name, value) => {
  const env = { OKTA_CLIENT_SECRET: GOOD, KEYCLOAK_CLIENT_SECRET: GOOD, [name]: value };
  const refused = collectSecrets(vars, file, [], { env });
  await expect(refused).rejects.toThrow(`a secret cannot be used, and nothing was sent:\n  ${name}: `);
  await expect(refused).rejects.not.toThrow(value.trim());
});
