/** Good configurations to spoil. */
import { ORIGIN, SECRET } from "../app.ts";

export const GUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
export const CLIENT_SECRET = "kY7-example-Qz31-Vb";
export const AGENT_KEY = "cHVibGljLWtleS1wdWJsaWMta2V5LXB1YmxpYy1rZXk";

export const stub = {
  AUTHSEC_MODE: "stub",
  ENVIRONMENT: "development",
  PUBLIC_URL: ORIGIN,
  SESSION_SECRET: SECRET,
  STUB_USERS: "alice@example.com:admin,bob@example.com",
};

export const single = {
  AUTHSEC_MODE: "oidc",
  PUBLIC_URL: "https://claw.example.com",
  SESSION_SECRET: SECRET,
  OIDC_ISSUER: "https://acme.okta.com",
  OIDC_CLIENT_ID: "0oa1",
  OIDC_CLIENT_SECRET: CLIENT_SECRET,
  ALLOWED_EMAILS: "Carol@other.example",
  ALLOWED_DOMAINS: "example.com, bücher.example",
  ADMIN_EMAILS: "alice@example.com",
  TENANT_NAME: "Acme",
  CONTACT: "help@example.com",
  AGENT_KEYS: `agent-one:${AGENT_KEY}`,
};

export const many = {
  AUTHSEC_MODE: "oidc",
  SESSION_SECRET: SECRET,
  ACME_OKTA_SECRET: CLIENT_SECRET,
  ACME_ENTRA_SECRET: CLIENT_SECRET,
  BETA_KEY: JSON.stringify({ kty: "EC", crv: "P-256", x: "eA", y: "eQ", d: "ZA", kid: "one" }),
};

/** Two tenants on hosts of their own, every field of the document in use at least once. */
export function tenantsFile() {
  return {
    $schema: "tenants.schema.json",
    tenants: [
      {
        id: "acme",
        hosts: ["acme.example.com", "claw.acme.example"],
        basePath: "",
        sharedOrigin: false,
        name: "Acme",
        contact: "help@acme.example",
        notice: "Be kind.\nSecond line.",
        providers: [
          {
            preset: "okta",
            id: "staff",
            label: "Staff",
            issuer: "https://acme.okta.com",
            clientId: "0oa1",
            clientSecret: "ACME_OKTA_SECRET",
            clientSecretMethod: "client_secret_post",
            scopes: ["openid", "email", "groups"],
            algorithms: ["RS256"],
            groupsClaim: null as string | null,
            emailDomains: ["acme.example"],
            acrValues: ["urn:okta:loa:2fa:any"],
            maxAgeSeconds: 3600,
            prompt: "login",
            claimHosts: ["graph.example.com"],
          },
          {
            preset: "entra",
            issuer: "https://login.microsoftonline.com/organizations/v2.0",
            clientId: GUID,
            clientSecret: "ACME_ENTRA_SECRET",
            entraTenants: [GUID],
            emailDomains: ["partner.example"],
          },
        ],
        allow: {
          emails: ["x@partner.example"],
          domains: ["acme.example"],
          groups: [{ group: "claw", provider: "staff" }],
          claims: [{ claim: "division", value: "eng", provider: "entra" }],
        },
        admins: { emails: ["root@acme.example"] },
        roles: [{ role: "approver", groups: [{ group: "leads", provider: "staff" }] }],
        agents: [{ id: "agent-one", publicKey: AGENT_KEY }],
        sessions: { idleSeconds: 3600, absoluteSeconds: 7200, roles: { admin: { idleSeconds: 600 } } },
        limits: { requests: { burst: 100, perSecond: 10 }, socketsPerPerson: 10, bodyBytes: 1_048_576 },
        policy: [{ class: "tools", roles: ["admin"] }],
        shards: 1,
      },
      {
        id: "beta",
        hosts: ["beta.example.com"],
        providers: [{ preset: "google", clientId: "1.apps", privateKey: "BETA_KEY" }],
        allow: { groups: ["everyone"] },
      },
    ],
  };
}
