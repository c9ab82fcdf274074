import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../../worker/config/parse-config.ts";
import { PRESETS, type PresetName } from "../../../../worker/config/presets.ts";
import { clientSecretFault, isSessionSecretRing, readPrivateKey } from "../../../../worker/config/secret.ts";
import { fromBase64Url, toBase64Url } from "../../../../worker/cookies/base64url.ts";
import { SECRET } from "../app.ts";
import { CLIENT_SECRET, GUID } from "./documents.ts";

const ISSUERS: Record<PresetName, string | undefined> = {
  google: undefined,
  github: undefined,
  entra: `https://login.microsoftonline.com/${GUID}/v2.0`,
  okta: "https://acme.okta.com/oauth2/default",
  auth0: "https://acme.eu.auth0.com/",
  keycloak: "https://id.example.com/realms/acme",
  oidc: "https://id.example.com/tenant/",
};

function expand(provider: Record<string, unknown>) {
  const tenant = { id: "acme", hosts: ["acme.example.com"], providers: [provider] };
  const env = { AUTHSEC_MODE: "oidc", SESSION_SECRET: SECRET, ACME_SECRET: CLIENT_SECRET };
  return parseConfig(env, { tenants: [tenant] }).tenants[0]?.providers[0];
}

describe("a preset", () => {
  test.each(Object.keys(PRESETS) as PresetName[])(
    "%s needs an issuer if it is one's own, a client and a secret",
    (preset) => {
      const issuer = ISSUERS[preset];
      const settings = expand({ preset, clientId: "one", clientSecret: "ACME_SECRET", ...(issuer ? { issuer } : {}) });
      expect(settings).toMatchObject({
        id: preset,
        kind: preset === "github" ? "github" : "oidc",
        label: PRESETS[preset].label,
        issuer: issuer ?? PRESETS[preset].issuer,
        clientAuth: { secret: CLIENT_SECRET },
        entraTenants: null,
        emailDomains: null,
      });
      expect(settings?.scopes.includes("openid")).toBe(preset !== "github");
    },
  );

  test("gives way to the document's own fields, null included", () => {
    const own = {
      id: "sso",
      label: "Acme",
      clientSecretMethod: "client_secret_post",
      scopes: ["openid", "groups"],
      algorithms: ["ES256"],
      groupsClaim: null,
      emailDomains: ["Bücher.example"],
      prompt: null,
      claimHosts: ["graph.example.com"],
      maxAgeSeconds: 0,
    };
    const { google } = PRESETS;
    expect(google.prompt).not.toBeNull();
    expect(expand({ preset: "google", clientId: "one", clientSecret: "ACME_SECRET", ...own })).toEqual({
      ...own,
      clientSecretMethod: undefined,
      kind: "oidc",
      issuer: google.issuer,
      clientId: "one",
      entraTenants: null,
      acrValues: [],
      emailDomains: ["xn--bcher-kva.example"],
      clientAuth: { method: "client_secret_post", secret: CLIENT_SECRET },
    });
  });
});

describe("a private key", () => {
  const rsa = (bytes: number) => ({ kty: "RSA", n: toBase64Url(new Uint8Array(bytes).fill(1)), e: "AQAB", d: "ZA" });
  const p256 = { kty: "EC", crv: "P-256", x: "eA", y: "eQ", d: "ZA" };
  const ed25519 = { kty: "OKP", crv: "Ed25519", x: "eA", d: "ZA" };

  test.each([
    [p256, "ES256"],
    [ed25519, "EdDSA"],
    [rsa(256), "RS256"],
    [{ ...rsa(256), alg: "PS256" }, "PS256"],
  ])("%j is for %2$s", (jwk, algorithm) => {
    expect(readPrivateKey(JSON.stringify({ ...jwk, kid: "k" }))).toMatchObject({ algorithm, keyId: "k" });
  });

  test.each<[string, unknown]>([
    ["a public key", { ...p256, d: undefined }],
    ["a short RSA key", rsa(128)],
    ["another curve", { ...p256, crv: "P-384" }],
    ["a symmetric key", { kty: "oct", k: "ZA", d: "ZA" }],
    ["an algorithm of another kind", { ...p256, alg: "RS256" }],
    ["alg none", { ...p256, alg: "none" }],
    ["a list", [p256]],
    ["null", null],
  ])("%s is none", (_name, jwk) => {
    expect(readPrivateKey(JSON.stringify(jwk))).toBeNull();
  });

  test.each(["", "{", "-----BEGIN PRIVATE KEY-----"])("%j is none", (text) => {
    expect(readPrivateKey(text)).toBeNull();
  });
});

test("random session secrets pass, alone and as a ring", () => {
  for (let run = 0; run < 500; run++) {
    const made = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
    expect(fromBase64Url(made)?.byteLength).toBe(32);
    expect(isSessionSecretRing(made)).toBe(true);
    expect(isSessionSecretRing(`${made},${SECRET}`)).toBe(true);
  }
});

test.each(["", ",", "short", "A".repeat(64), "abcd".repeat(16), `${SECRET}=`, ` ${SECRET}`, SECRET.replace("c", "+")])(
  "%j is no session secret",
  (text) => {
    expect(isSessionSecretRing(text)).toBe(false);
  },
);

test("weak client secrets pass in development only, misread ones never", () => {
  expect([clientSecretFault("secret", true), clientSecretFault(CLIENT_SECRET, false)]).toEqual([null, null]);
  for (const weak of ["secret", "aaaaaaaaaaaa", "abababababab"]) expect(clientSecretFault(weak, false)).not.toBeNull();
  for (const misread of [
    ` ${CLIENT_SECRET}`,
    `${CLIENT_SECRET}\r\n`,
    `${CLIENT_SECRET}\u00a0`,
    `${CLIENT_SECRET}\0${CLIENT_SECRET}`,
  ]) {
    expect(clientSecretFault(misread, true)).not.toBeNull();
  }
});
