/** An OpenID provider in memory: the gateway's own requests come here instead of going out. */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import type { ProviderSettings } from "../../worker/oidc/provider-settings.ts";

export const ISSUER = "https://id.example.com";

export function settingsFor(own: Partial<ProviderSettings> = {}): ProviderSettings {
  return {
    id: "fake",
    kind: "oidc",
    label: "Fake",
    issuer: ISSUER,
    clientId: "tidegate",
    clientAuth: { method: "client_secret_basic", secret: "client-secret" },
    scopes: ["openid"],
    algorithms: ["ES256"],
    entraTenants: null,
    groupsClaim: "groups",
    emailDomains: null,
    acrValues: [],
    maxAgeSeconds: null,
    prompt: null,
    claimHosts: [],
    ...own,
  };
}

export class MemoryProvider {
  /** The person whose sessions are renewed. */
  person: Record<string, unknown> = {
    sub: "alice",
    email: "alice@example.com",
    email_verified: true,
    groups: ["staff"],
  };
  /** Paths that answer with this status instead. */
  readonly broken = new Map<string, { status: number; body?: unknown }>();
  readonly seen: { path: string; form: URLSearchParams; authorization: string | null }[] = [];
  /** Runs in the middle of each call of the token endpoint. */
  atToken: () => Promise<unknown> = async () => undefined;
  #keys: Promise<{ privateKey: CryptoKey; jwk: JWK }> = newKeys();
  #issued = 1;

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input as string, init as RequestInit);
    const path = new URL(request.url).pathname;
    const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
    this.seen.push({ path, form, authorization: request.headers.get("authorization") });
    const broken = this.broken.get(path);
    if (broken !== undefined) return Response.json(broken.body ?? {}, { status: broken.status });
    switch (path) {
      case "/.well-known/openid-configuration":
        return Response.json({
          issuer: ISSUER,
          authorization_endpoint: `${ISSUER}/authorize`,
          token_endpoint: `${ISSUER}/token`,
          userinfo_endpoint: `${ISSUER}/userinfo`,
          jwks_uri: `${ISSUER}/jwks`,
          revocation_endpoint: `${ISSUER}/revoke`,
          id_token_signing_alg_values_supported: ["ES256"],
        });
      case "/jwks":
        return Response.json({ keys: [(await this.#keys).jwk] });
      case "/token":
        await this.atToken();
        return Response.json(await this.#tokens(form));
      case "/userinfo":
        return Response.json(this.person);
      default:
        return new Response(null, { status: path === "/revoke" ? 200 : 404 });
    }
  };

  count(path: string): number {
    return this.seen.filter((request) => request.path === path).length;
  }

  /** Refresh tokens in the order in which they were used. */
  get used(): (string | null)[] {
    return this.seen.filter(({ path }) => path === "/token").map(({ form }) => form.get("refresh_token"));
  }

  get revoked(): (string | null)[] {
    return this.seen.filter(({ path }) => path === "/revoke").map(({ form }) => form.get("token"));
  }

  async #tokens(form: URLSearchParams) {
    const { privateKey } = await this.#keys;
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: form.get("client_id") ?? "tidegate", sub: String(this.person["sub"]), iat: now };
    const idToken = new SignJWT({ ...claims, exp: now + 300 }).setProtectedHeader({ alg: "ES256", kid: "one" });
    this.#issued += 1;
    return {
      access_token: "access",
      token_type: "Bearer",
      id_token: await idToken.sign(privateKey),
      refresh_token: `refresh-secret-${this.#issued}`,
    };
  }
}

async function newKeys() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: "one", use: "sig", alg: "ES256" } };
}
