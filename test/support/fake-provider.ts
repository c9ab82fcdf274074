/** A fake OpenID provider on loopback that does as it is told, also what no provider may: one fault at a time. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

export type Claims = Record<string, unknown>;

/** Each changes one thing; what is not named is as a good provider does it. */
export interface Faults {
  metadata?: (metadata: Claims) => Claims;
  jwks?: (keys: JWK[]) => unknown[];
  claims?: (claims: Claims) => Claims;
  header?: (header: Claims) => Claims;
  /** Instead of a token signed with the first key. */
  idToken?: (claims: Claims) => Promise<string> | string;
  tokens?: (body: Claims) => Claims;
  userInfo?: (claims: Claims) => Claims;
  /** Signs UserInfo's answer. */
  signedUserInfo?: (claims: Claims) => Promise<string>;
  callback?: (parameters: URLSearchParams) => void;
  /** Answers a path its own way; true when it did. */
  raw?: (path: string, request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface SigningKey {
  algorithm: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
  form: URLSearchParams;
}

export const CLIENT_ID = "tidegate client:1";
export const CLIENT_SECRET = "a+b c:d%ü";

export async function newSigningKey(kid: string | undefined, algorithm = "RS256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), use: "sig", alg: algorithm, ...(kid === undefined ? {} : { kid }) };
  return { algorithm, privateKey, jwk };
}

export class FakeProvider {
  faults: Faults = {};
  keys: SigningKey[] = [];
  readonly seen: Seen[] = [];
  /** The person who is signed in there. */
  person: Claims = { sub: "alice-1", email: "alice@example.com", email_verified: true, name: "Alice Smith" };
  readonly #server: Server;
  readonly #grants = new Map<string, { challenge: string; nonce: string | undefined }>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeProvider> {
    const server = createServer();
    const provider = new FakeProvider(server);
    provider.keys = [await newSigningKey("one")];
    server.on("request", (request, response) => {
      provider.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Forgets what was asked, and behaves again. */
  reset(): void {
    this.faults = {};
    this.seen.length = 0;
    this.keys = this.keys.slice(0, 1);
  }

  count(path: string): number {
    return this.seen.filter((request) => request.path === path).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async sign(claims: Claims, key = this.keys[0]): Promise<string> {
    if (key === undefined) throw new Error("no key");
    const header = { alg: key.algorithm, typ: "JWT", ...(key.jwk.kid === undefined ? {} : { kid: key.jwk.kid }) };
    const changed = this.faults.header?.(header) ?? header;
    return new SignJWT(claims).setProtectedHeader(changed as typeof header).sign(key.privateKey);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.issuer);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const { authorization } = request.headers;
    this.seen.push({ method: request.method ?? "", path: url.pathname, authorization, form });
    if (this.faults.raw?.(url.pathname, request, response) === true) return;
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return void json(200, this.faults.metadata?.(this.#metadata()) ?? this.#metadata());
      case "/jwks": {
        const keys = this.keys.map(({ jwk }) => jwk);
        return void json(200, { keys: this.faults.jwks?.(keys) ?? keys });
      }
      case "/authorize":
        return void response.writeHead(302, { location: this.#authorize(url.searchParams) }).end();
      case "/token":
        return void json(...(await this.#token(form)));
      case "/userinfo": {
        const claims = this.faults.userInfo?.(this.person) ?? this.person;
        if (this.faults.signedUserInfo === undefined) return void json(200, claims);
        const signed = await this.faults.signedUserInfo(claims);
        return void response.writeHead(200, { "content-type": "application/jwt" }).end(signed);
      }
      default:
        return void json(404, {});
    }
  }

  #metadata(): Claims {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ["code"],
      id_token_signing_alg_values_supported: ["RS256", "PS256", "ES256", "EdDSA"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorize(asked: URLSearchParams): string {
    const code = crypto.randomUUID();
    this.#grants.set(code, { challenge: asked.get("code_challenge") ?? "", nonce: asked.get("nonce") ?? undefined });
    const parameters = new URLSearchParams({ code, state: asked.get("state") ?? "", iss: this.issuer });
    this.faults.callback?.(parameters);
    return `${asked.get("redirect_uri")}?${parameters}`;
  }

  async #token(form: URLSearchParams): Promise<[number, Claims]> {
    if (form.get("grant_type") === "refresh_token") return this.#tokens(undefined);
    const grant = this.#grants.get(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (grant === undefined || grant.challenge !== challenge) return [400, { error: "invalid_grant" }];
    this.#grants.delete(form.get("code") ?? "");
    return this.#tokens(grant.nonce);
  }

  async #tokens(nonce: string | undefined): Promise<[number, Claims]> {
    const now = Math.floor(Date.now() / 1000);
    const accessToken = crypto.randomUUID();
    const good = { iss: this.issuer, aud: CLIENT_ID, sub: this.person["sub"], iat: now, exp: now + 300, nonce };
    const claims = this.faults.claims?.({ ...good, at_hash: atHash(accessToken) }) ?? good;
    const idToken = await (this.faults.idToken?.(claims) ?? this.sign(claims));
    const body = { access_token: accessToken, token_type: "Bearer", expires_in: 300, id_token: idToken };
    return [200, this.faults.tokens?.(body) ?? body];
  }
}

function atHash(accessToken: string): string {
  return createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");
}
