/** Entra's ways: one issuer for many tenants, and an address instead of a long list of groups. */
import { beforeAll, expect, test } from "vitest";
import type { ProviderSettings } from "../../worker/oidc/provider-settings.ts";
import { newSigningKey, type Claims, type SigningKey } from "../support/fake-provider.ts";
import { SignJWT } from "jose";
import { fromPreset, Visitor } from "./visitor.ts";

const TENANT = "11111111-2222-4333-8444-555555555555";
const OTHER = "99999999-2222-4333-8444-555555555555";
const USER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const BASE = "https://login.microsoftonline.com";
const ISSUER = `${BASE}/common/v2.0`;
const OVERAGE = {
  _claim_names: { groups: "src1" },
  _claim_sources: { src1: { endpoint: `https://graph.windows.net/${TENANT}/users/${USER}/getMemberObjects` } },
};
let key: SigningKey;

beforeAll(async () => {
  key = await newSigningKey("entra");
});

function settings(own: Partial<ProviderSettings> = {}): ProviderSettings {
  const clientAuth = { method: "client_secret_post", secret: "secret" } as const;
  const base = { id: "entra", issuer: ISSUER, clientId: "tidegate", clientAuth, entraTenants: [TENANT] };
  return fromPreset("entra", { ...base, ...own });
}

interface World {
  claims?: Claims;
  issuer?: string;
  graph?: (request: Request) => Promise<Response> | Response;
}

/** Microsoft, in so far as the gateway sees it. */
function microsoft(world: World) {
  const asked: string[] = [];
  let nonce = "";
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    asked.push(url);
    switch (url) {
      case `${ISSUER}/.well-known/openid-configuration`:
        return Response.json({
          issuer: world.issuer ?? `${BASE}/{tenantid}/v2.0`,
          authorization_endpoint: `${BASE}/common/oauth2/v2.0/authorize`,
          token_endpoint: `${BASE}/common/oauth2/v2.0/token`,
          jwks_uri: `${BASE}/common/discovery/v2.0/keys`,
          id_token_signing_alg_values_supported: ["RS256"],
        });
      case `${BASE}/common/discovery/v2.0/keys`:
        return Response.json({ keys: [key.jwk] });
      case `${BASE}/common/oauth2/v2.0/token`: {
        const now = Math.floor(Date.now() / 1000);
        const good = {
          iss: `${BASE}/${TENANT}/v2.0`,
          tid: TENANT,
          aud: "tidegate",
          sub: "pairwise",
          iat: now,
          exp: now + 300,
        };
        const claims = { ...good, nonce, email: "alice@example.com", xms_edov: true, name: "Alice", ...world.claims };
        const idToken = await new SignJWT(claims)
          .setProtectedHeader({ alg: "RS256", kid: "entra" })
          .sign(key.privateKey);
        return Response.json({ access_token: "graph-token", token_type: "Bearer", id_token: idToken });
      }
      default:
        if (world.graph !== undefined && new URL(url).host === "graph.microsoft.com")
          return world.graph(new Request(url, init));
        throw new Error(`not expected: ${url}`);
    }
  };
  return {
    asked,
    fetch: fetch as typeof globalThis.fetch,
    see: (location: string) => (nonce = new URL(location).searchParams.get("nonce") ?? ""),
  };
}

async function signIn(world: World, own: Partial<ProviderSettings> = {}) {
  const cloud = microsoft(world);
  const visitor = new Visitor([settings(own)], { fetch: cloud.fetch });
  const left = await visitor.get("/_gate/login");
  const location = left.headers.get("location");
  if (location === null) return { visitor, cloud, code: left.headers.get("x-tidegate-error") };
  cloud.see(location);
  const state = new URL(location).searchParams.get("state") ?? "";
  const { code } = await visitor.arrive(`/_gate/callback/entra?code=x&state=${state}`);
  return { visitor, cloud, code };
}

test("a listed tenant's person signs in, and the issuer is that tenant's own", async () => {
  const { visitor } = await signIn({});
  expect(visitor.calls.signIns[0]).toMatchObject({
    issuer: `${BASE}/${TENANT}/v2.0`,
    subject: "pairwise",
    email: "alice@example.com",
  });
});

test.each<[what: string, claims: Claims]>([
  ["a tenant that is not listed", { tid: OTHER, iss: `${BASE}/${OTHER}/v2.0` }],
  ["a listed tenant and another one's issuer", { tid: TENANT, iss: `${BASE}/${OTHER}/v2.0` }],
  ["no tenant", { tid: undefined }],
  ["a tenant that is an object", { tid: { toString: TENANT } }],
  ["the template as its issuer", { iss: `${BASE}/{tenantid}/v2.0` }],
])("a token with %s is refused", async (_what, claims) => {
  const { visitor, code } = await signIn({ claims });
  expect([code, visitor.calls.objects, visitor.cookies.size]).toEqual(["sign_in_invalid", 0, 0]);
});

test("without a list of tenants the common issuer is a mismatch: nobody signs in", async () => {
  const { visitor, code } = await signIn({}, { entraTenants: null });
  expect([code, visitor.cookies.size]).toEqual(["provider_down", 0]);
});

test("metadata of another host's template is a mismatch", async () => {
  const { code } = await signIn({ issuer: "https://login.evil.example/{tenantid}/v2.0" });
  expect(code).toBe("provider_down");
});

test("beyond 200 groups the list comes from Graph, with the person's token, from a host on the list", async () => {
  const asked: [string, string | null, string][] = [];
  const graph = async (request: Request) => {
    asked.push([request.url, request.headers.get("authorization"), await request.text()]);
    return Response.json({ value: ["g1", "g2"] });
  };
  const { visitor } = await signIn({ claims: OVERAGE, graph });
  expect(visitor.calls.signIns[0]?.groups).toEqual(["g1", "g2"]);
  expect(asked).toEqual([
    [
      `https://graph.microsoft.com/v1.0/users/${USER}/getMemberObjects`,
      "Bearer graph-token",
      '{"securityEnabledOnly":false}',
    ],
  ]);
});

test.each<[what: string, own: Partial<ProviderSettings>, endpoint: string]>([
  ["a host that is not listed", { claimHosts: [] }, `https://graph.windows.net/x/users/${USER}/getMemberObjects`],
  ["a stranger's host", {}, `https://evil.example/users/${USER}/getMemberObjects`],
  ["an address inside", {}, "https://169.254.169.254/"],
  ["another call of Graph", {}, "https://graph.microsoft.com/v1.0/me/sendMail"],
])("groups kept at %s are no groups, and no token goes there", async (_what, own, endpoint) => {
  const claims = { ...OVERAGE, _claim_sources: { src1: { endpoint } } };
  const { visitor, cloud } = await signIn({ claims, graph: () => Response.json({ value: ["g1"] }) }, own);
  expect(visitor.calls.signIns[0]?.groups).toEqual([]);
  expect(cloud.asked.every((url) => url.startsWith(BASE))).toBe(true);
});

test.each<[what: string, graph: () => Response]>([
  ["refuses", () => new Response("no", { status: 403 })],
  ["redirects", () => new Response(null, { status: 302, headers: { location: "https://evil.example" } })],
  ["answers with something else", () => Response.json({ value: { g1: true } })],
])("when Graph %s there are no groups, and sign-in goes on", async (_what, graph) => {
  const { visitor } = await signIn({ claims: OVERAGE, graph });
  expect(visitor.calls.signIns[0]?.groups).toEqual([]);
});
