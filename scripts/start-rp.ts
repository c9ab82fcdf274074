import { join } from "node:path";
import { parseArgs } from "node:util";
import { startEdge } from "./edge.ts";
import { rootFolder } from "./paths.ts";
import { parsePort, requireFreePort } from "./ports.ts";
import { openRunHome } from "./run-home.ts";
import { exitWith, say, ScriptError } from "./script-error.ts";
import { openSecrets } from "./secrets.ts";

const HELP = `npm run start:rp -- --issuer URL (--client-id ID --client-secret SECRET | --register)
  the gateway alone as a relying party of any issuer, to be driven by an outside test suite
  --client-auth client_secret_basic | client_secret_post | private_key_jwt (the secret is then a private JWK)
  --register    registers a client at the issuer first (OpenID Connect Dynamic Client Registration)
  PORT          where it listens, 8080; redirect URI http://localhost:PORT/_gate/callback/oidc
  NODE_EXTRA_CA_CERTS  certificate authorities the issuer's certificate may come from`;
const AUTHENTICATIONS = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
const PROVIDER_ID = "oidc";

export interface RelyingPartySettings {
  port: number;
  /** As it was typed: a trailing slash is part of the name. */
  issuer: string;
  clientAuth: string;
  /** Absent with --register. */
  client?: { id: string; secret: string };
}

/** @throws {ScriptError} bad_setting; undefined when only the help was asked for */
export function parseRelyingParty(env: NodeJS.ProcessEnv, args: string[]): RelyingPartySettings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      issuer: { type: "string" },
      "client-id": { type: "string" },
      "client-secret": { type: "string" },
      "client-auth": { type: "string" },
      register: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const issuer = values.issuer ?? "";
  if (URL.parse(issuer) === null)
    throw new ScriptError("bad_setting", "--issuer must be the address of an OpenID provider");
  const clientAuth = values["client-auth"] ?? "client_secret_basic";
  if (!AUTHENTICATIONS.includes(clientAuth)) {
    throw new ScriptError("bad_setting", `--client-auth must be one of ${AUTHENTICATIONS.join(", ")}`);
  }
  const port = parsePort(env.PORT || "8080");
  if (values.register) return { port, issuer, clientAuth };
  const [id, secret] = [values["client-id"], values["client-secret"]];
  if (!id || !secret) throw new ScriptError("bad_setting", "--client-id and --client-secret are needed, or --register");
  return { port, issuer, clientAuth, client: { id, secret } };
}

/** @throws {ScriptError} bad_setting when the issuer registers nobody */
async function register({ issuer, port, clientAuth }: RelyingPartySettings): Promise<{ id: string; secret: string }> {
  const origin = `http://localhost:${port}`;
  const get = async (url: string, init?: RequestInit): Promise<Record<string, unknown>> => {
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(5_000), ...init });
    if (!response.ok) throw new ScriptError("bad_setting", `${url} answers ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const metadata = await get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const endpoint = metadata.registration_endpoint;
  if (typeof endpoint !== "string") throw new ScriptError("bad_setting", "the issuer has no registration endpoint");
  const wanted = {
    client_name: "Tidegate",
    redirect_uris: [`${origin}/_gate/callback/${PROVIDER_ID}`],
    post_logout_redirect_uris: [`${origin}/_gate/signed-out`],
    initiate_login_uri: `${origin}/_gate/login`,
    response_types: ["code"],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: clientAuth,
  };
  const headers = { "content-type": "application/json", accept: "application/json" };
  const registered = await get(endpoint, { method: "POST", headers, body: JSON.stringify(wanted) });
  const { client_id: id, client_secret: secret } = registered;
  if (typeof id !== "string" || typeof secret !== "string") {
    throw new ScriptError("bad_setting", "the issuer registered no client with a secret");
  }
  return { id, secret };
}

async function main(): Promise<void> {
  const settings = parseRelyingParty(process.env, process.argv.slice(2));
  if (settings === undefined) return console.log(HELP);
  const { port, issuer, clientAuth } = settings;
  await requireFreePort(port);
  const home = await openRunHome(`rp-${port}`);
  const secrets = openSecrets(home.folder);
  const url = `http://localhost:${port}`;
  const client = settings.client ?? (await register(settings));
  const edge = await startEdge({
    port,
    stateFolder: join(home.folder, "edge"),
    entries: { gateway: join(rootFolder, "worker/index.rp.ts"), tenant: join(rootFolder, "durable-objects/index.ts") },
    gatewayVars: {
      AUTHSEC_MODE: "oidc",
      ENVIRONMENT: "development",
      PUBLIC_URL: url,
      SESSION_SECRET: secrets.sessionSecret,
      TENANT_NAME: "Tidegate relying party",
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: client.id,
      OIDC_CLIENT_SECRET: client.secret,
      OIDC_CLIENT_AUTH: clientAuth,
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey },
    onLog: (line) => say(line),
  }).catch((error: unknown) => {
    home.close();
    throw error;
  });
  home.refresh();
  let isStopping = false;
  const end = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await edge.dispose();
    home.close();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end().catch(exitWith));
  say(`client ${client.id}; redirect URI ${url}/_gate/callback/${PROVIDER_ID}`);
  process.stdout.write(`Ready ${url}/_gate/login\n`);
}

if (import.meta.main) await main().catch(exitWith);
