import { generateKeyPairSync, randomBytes, type KeyPairKeyObjectResult } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

/** Brings no types, so it is imported by a name that the compiler does not follow. */
const PACKAGE: string = "oidc-provider";

/** The part of it that is used here. */
interface Provider {
  callback(): RequestListener;
  Grant: new (properties: { clientId: string; accountId: string }) => {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  };
}
type ProviderClass = new (issuer: string, configuration: Record<string, unknown>) => Provider;

export interface ProviderClient {
  id: string;
  secret?: string;
  redirectUris: string[];
  returnUris: string[];
  authentication: "client_secret_basic" | "client_secret_post" | "private_key_jwt";
  /** Public keys, for private_key_jwt. */
  keys?: Record<string, unknown>[];
  /** How its ID tokens are signed; default RS256. */
  algorithm?: "RS256" | "PS256" | "ES256" | "EdDSA";
  backchannelLogoutUri?: string;
}

export interface DevelopmentProviderOptions {
  port: number;
  /**
   * Default 127.0.0.1, because its cookies would be the gateway's too on localhost: cookies know no ports. There it is of
   * one site with the gateway, as a company's own provider is, and gets its cookies in a frame as well.
   */
  host?: "127.0.0.1" | "localhost" | undefined;
  /** Who can sign in, with any password; the account's name is what stands before the `@`. */
  emails: string[];
  clients: ProviderClient[];
  /** Takes pushed authorization requests (RFC 9126); `required`: takes no others. */
  pushed?: "offered" | "required";
  /** By account name; asked for at each sign-in and renewal. */
  groups?: Record<string, string[]> | undefined;
}

export interface DevelopmentProvider {
  issuer: string;
  stop(): Promise<void>;
}

/** A real OpenID provider on this machine, with its development pages: any password, accounts from a list. */
export async function startDevelopmentProvider(options: DevelopmentProviderOptions): Promise<DevelopmentProvider> {
  const issuer = `http://${options.host ?? "127.0.0.1"}:${options.port}`;
  const { default: Provider } = (await import(PACKAGE)) as { default: ProviderClass };
  const provider = quietly(() => new Provider(issuer, configuration(options)));
  const server = createServer(provider.callback());
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  return {
    issuer,
    async stop() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function configuration({ clients, emails, pushed, groups }: DevelopmentProviderOptions): Record<string, unknown> {
  const known = new Map(emails.map((email) => [email.split("@")[0] ?? "", email]));
  return {
    clients: clients.map(describeClient),
    clientDefaults: { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    scopes: ["openid", "email", "profile", "offline_access"],
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    jwks: { keys: signingKeys() },
    enabledJWA: {
      idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"],
      clientAuthSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"],
    },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
    features: {
      devInteractions: { enabled: true },
      // Whatever is left at its default is announced on stdout when it is first used.
      rpInitiatedLogout: { enabled: true, logoutSource: askToSignOut, postLogoutSuccessSource: sayDone },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      pushedAuthorizationRequests: {
        enabled: pushed !== undefined,
        requirePushedAuthorizationRequests: pushed === "required",
      },
    },
    pkce: { required: () => true },
    // It calls no private addresses by itself; here everybody has one, and listens on loopback.
    fetch: (url: string, { dispatcher: _guard, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
    renderError: (context: { body: unknown }, { error }: { error: string }) => {
      context.body = `The development provider refuses: ${error}`;
    },
    rotateRefreshToken: true,
    // Like most providers, to every client that may use them.
    issueRefreshToken: async (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed("refresh_token"),
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 600,
      Session: 86_400,
      Grant: 86_400,
      RefreshToken: 86_400,
    },
    async findAccount(_context: unknown, sub: string) {
      const name = sub.split("@")[0] ?? "";
      const email = known.get(name);
      if (email === undefined) return undefined;
      const claims = { sub: name, email, email_verified: true, name: titled(name), groups: groups?.[name] ?? [] };
      return { accountId: name, claims: async () => claims };
    },
    // Nobody is asked to consent to their own development server.
    async loadExistingGrant(context: {
      oidc: { client: { clientId: string }; session: { accountId: string }; provider: Provider };
    }) {
      const { client, session, provider } = context.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile offline_access");
      await grant.save();
      return grant;
    },
  };
}

function describeClient(client: ProviderClient): Record<string, unknown> {
  return {
    client_id: client.id,
    ...(client.secret === undefined ? {} : { client_secret: client.secret }),
    ...(client.keys === undefined ? {} : { jwks: { keys: client.keys } }),
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.returnUris,
    token_endpoint_auth_method: client.authentication,
    id_token_signed_response_alg: client.algorithm ?? "RS256",
    ...(client.backchannelLogoutUri === undefined
      ? {}
      : { backchannel_logout_uri: client.backchannelLogoutUri, backchannel_logout_session_required: true }),
  };
}

function askToSignOut(context: { body: unknown }, form: string): void {
  const button =
    '<button autofocus type="submit" form="op.logoutForm" value="yes" name="logout">Yes, sign me out</button>';
  context.body = `<!doctype html><title>Sign out</title><h1>Sign out of the development provider?</h1>${form}${button}`;
}

function sayDone(context: { body: unknown }): void {
  context.body = "Signed out of the development provider.";
}

/** New at every start: nothing of it outlives the process. */
function signingKeys(): Record<string, unknown>[] {
  const jwk = ({ privateKey }: KeyPairKeyObjectResult) => ({ ...privateKey.export({ format: "jwk" }), use: "sig" });
  return [
    jwk(generateKeyPairSync("rsa", { modulusLength: 2048 })),
    jwk(generateKeyPairSync("ec", { namedCurve: "P-256" })),
    jwk(generateKeyPairSync("ed25519")),
  ];
}

/** It warns that its development pages are on, which is what they are here for; stdout stays for `Ready`. */
function quietly<T>(work: () => T): T {
  const { info, warn } = console;
  console.info = console.warn = () => {};
  try {
    return work();
  } finally {
    Object.assign(console, { info, warn });
  }
}

function titled(name: string): string {
  return name.replace(
    /(^|[._-])([a-z])/g,
    (_all, mark: string, letter: string) => (mark === "" ? "" : " ") + letter.toUpperCase(),
  );
}
