import { expect, test } from "vitest";
import { discover } from "../../../../scripts/setup/discovery.ts";

const ISSUER = "https://sso.example.com";
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
  end_session_endpoint: `${ISSUER}/logout`,
  code_challenge_methods_supported: ["S256"],
  backchannel_logout_supported: true,
};
const json =
  (body: unknown, status = 200) =>
  () =>
    Promise.resolve(Response.json(body, { status }));

test("what a provider can do is told in short words, what it cannot in a sentence each", async () => {
  expect(await discover("oidc", ISSUER, json(METADATA))).toEqual({
    can: ["code", "PKCE", "RP logout", "back-channel"],
    lacks: [],
  });
  const { issuer, authorization_endpoint, token_endpoint, jwks_uri } = METADATA;
  const plain = {
    issuer,
    authorization_endpoint,
    token_endpoint,
    jwks_uri,
    token_endpoint_auth_methods_supported: ["client_secret_post"],
  };
  const { can, lacks } = await discover("oidc", ISSUER, json(plain));
  expect(can).toEqual(["code"]);
  expect(lacks.map((lack) => lack.split(":")[0])).toEqual([
    "the provider does not list PKCE (it is used all the same)",
    "the provider has no sign-out address",
    "the provider does not announce back-channel logout",
    "the provider does not list client_secret_basic",
  ]);
});

test("GitHub, which has no metadata, is not asked", async () => {
  const { can } = await discover("github", "https://github.com", () => Promise.reject(new Error("asked")));
  expect(can).toEqual(["code", "PKCE"]);
});

test.each<[string, string, typeof fetch, RegExp]>([
  [
    "is inside a company",
    "https://10.0.0.7",
    json(METADATA),
    /is no public https address: the gateway runs at Cloudflare/,
  ],
  [
    "does not answer",
    ISSUER,
    () => Promise.reject(new TypeError("fetch failed")),
    /does not answer: is the address right/,
  ],
  [
    "spells itself otherwise",
    ISSUER,
    json({ ...METADATA, issuer: `${ISSUER}/` }),
    /spells itself https:\/\/sso\.example\.com\/: the issuer must be that/,
  ],
  ["has no metadata", ISSUER, json({}, 404), /has no metadata at/],
  ["names no issuer", ISSUER, json({}), /has no metadata at/],
  [
    "is a web page",
    ISSUER,
    () => Promise.resolve(new Response("<html>", { headers: { "content-type": "text/html" } })),
    /something else than metadata/,
  ],
  [
    "redirects",
    ISSUER,
    () => Promise.resolve(new Response(null, { status: 301, headers: { location: "https://evil.example" } })),
    /redirects; the issuer must be spelled/,
  ],
  ["floods", ISSUER, json({ ...METADATA, more: "x".repeat(300_000) }), /more than 256 KiB/],
  [
    "has a token endpoint without TLS",
    ISSUER,
    json({ ...METADATA, token_endpoint: "http://sso.example.com/token" }),
    /no usable token_endpoint/,
  ],
  ["has its keys inside", ISSUER, json({ ...METADATA, jwks_uri: "https://keys.internal/" }), /no usable jwks_uri/],
])("a provider that %s is refused in words", async (_, issuer, fetcher, text) => {
  await expect(discover("oidc", issuer, fetcher)).rejects.toThrow(
    expect.objectContaining({ code: "discovery_failed" }),
  );
  await expect(discover("oidc", issuer, fetcher)).rejects.toThrow(text);
});
