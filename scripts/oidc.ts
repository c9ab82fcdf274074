import { randomBytes } from "node:crypto";
import {
  startDevelopmentProvider,
  type DevelopmentProvider,
  type DevelopmentProviderOptions,
} from "./development-provider.ts";
import { findFreePort } from "./ports.ts";

const CLIENT_ID = "tidegate";

export interface LocalOidc {
  provider: DevelopmentProvider;
  /** What makes the deployed entry a relying party of it. */
  gatewayVars: Record<string, string>;
}

/**
 * Starts an OpenID provider for `npm start -- --oidc`, with the people of the stub's list.
 * @param users `alice@example.com:admin,bob@example.com`
 */
export async function startOidc(
  url: string,
  consoleUrl: string,
  users: string,
  { host, groups }: Pick<DevelopmentProviderOptions, "host" | "groups"> = {},
): Promise<LocalOidc> {
  const people = users.split(",").map((entry) => entry.trim().toLowerCase().split(":"));
  const emails = people.map(([email = ""]) => email);
  const secret = randomBytes(32).toString("base64url");
  const provider = await startDevelopmentProvider({
    port: await findFreePort(),
    host,
    groups,
    emails,
    clients: [
      {
        id: CLIENT_ID,
        secret,
        redirectUris: [url, consoleUrl].map((origin) => `${origin}/_gate/callback/oidc`),
        returnUris: [url, consoleUrl].map((origin) => `${origin}/_gate/signed-out`),
        authentication: "client_secret_basic",
        backchannelLogoutUri: `${url}/_gate/backchannel-logout`,
      },
    ],
  });
  return {
    provider,
    gatewayVars: {
      AUTHSEC_MODE: "oidc",
      STUB_USERS: "",
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: secret,
      ALLOWED_EMAILS: emails.join(","),
      ADMIN_EMAILS: people.flatMap(([email = "", role]) => (role === "admin" ? [email] : [])).join(","),
    },
  };
}
