import { expandProvider } from "../../worker/config/expand-provider.ts";
import type { PresetName } from "../../worker/config/presets.ts";
import { Metadata } from "../../worker/oidc/metadata.ts";
import { isAllowed, outboundFetch } from "../../worker/oidc/outbound-fetch.ts";
import { SignInError, type SignInFailure } from "../../worker/oidc/sign-in-error.ts";
import { printable } from "../deploy/cloudflare-api.ts";
import { ScriptError } from "../script-error.ts";

/** What a provider says it can do. */
export interface Discovered {
  /** One short word each. */
  can: string[];
  /** What is missing, in a sentence each; sign-in works all the same. */
  lacks: string[];
}

interface Server {
  [name: string]: unknown;
}

const TEXTS: Partial<Record<SignInFailure, string>> = {
  provider_unreachable: "does not answer: is the address right, and reachable from the Internet?",
  provider_timeout: "did not answer within 5 s",
  provider_redirected: "redirects; the issuer must be spelled as the provider itself spells it",
  provider_answer_too_large: "answers with more than 256 KiB",
  provider_answer_not_json: "answers with something else than metadata (JSON)",
  provider_url_refused: "is no public https address: the gateway runs at Cloudflare and cannot reach a private one",
  discovery_failed: "has no metadata at /.well-known/openid-configuration",
};

/**
 * Fetches a provider's metadata with the gateway's own code and rules.
 * @throws {ScriptError} discovery_failed
 */
export async function discover(preset: PresetName, issuer: string, fetcher = fetch): Promise<Discovered> {
  const document = { preset, issuer, clientId: "setup", clientSecret: "SETUP_SECRET" };
  const settings = expandProvider(document, {
    development: false,
    // Nothing is sent with it: metadata is public.
    secret: () => "not-a-secret",
    has: (field) => Object.hasOwn(document, field),
    report: () => undefined,
  });
  if (settings === undefined) throw new ScriptError("discovery_failed", `${issuer} cannot be the issuer of ${preset}`);
  // GitHub is not OpenID Connect: its addresses are known, and there is nothing to ask.
  if (settings.kind === "github")
    return { can: ["code", "PKCE"], lacks: ["GitHub tells nobody when a person signs out there"] };
  let spelled = "";
  const send = outboundFetch({ development: false, fetch: fetcher });
  const metadata = new Metadata(
    settings,
    async (url, init) => {
      const response = await send(url, init);
      const { issuer: named } = ((await response
        .clone()
        .json()
        .catch(() => null)) ?? {}) as { issuer?: unknown };
      spelled = typeof named === "string" ? printable(named) : "";
      return response;
    },
    Date.now,
  );
  try {
    return judge((await metadata.get()) as unknown as Server, settings.clientAuth.method);
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    const text =
      error.reason === "discovery_mismatch"
        ? `spells itself ${spelled}: the issuer must be that, letter by letter`
        : (TEXTS[error.reason] ?? `cannot be used (${error.reason})`);
    throw new ScriptError("discovery_failed", `${issuer} ${text}`);
  }
}

/** @throws {ScriptError} discovery_failed when sign-in cannot work */
function judge(server: Server, method: string): Discovered {
  for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri"]) {
    const url = URL.parse(String(server[name]));
    if (url === null || !isAllowed(url, false)) {
      throw new ScriptError("discovery_failed", `the provider's metadata has no usable ${name}`);
    }
  }
  const has = (list: string, value: string) => Array.isArray(server[list]) && server[list].includes(value);
  const can: string[] = [];
  const lacks: string[] = [];
  const note = (good: boolean, name: string, lack: string) => (good ? can.push(name) : lacks.push(lack));
  note(
    !Array.isArray(server["response_types_supported"]) || has("response_types_supported", "code"),
    "code",
    "the provider does not list the code flow, which is the only one used here",
  );
  note(
    has("code_challenge_methods_supported", "S256"),
    "PKCE",
    "the provider does not list PKCE (it is used all the same)",
  );
  note(
    typeof server["end_session_endpoint"] === "string",
    "RP logout",
    "the provider has no sign-out address: signing out here leaves people signed in there",
  );
  note(
    server["backchannel_logout_supported"] === true,
    "back-channel",
    "the provider does not announce back-channel logout: who signs out there stays signed in here until the next verification",
  );
  const methods = server["token_endpoint_auth_methods_supported"];
  if (Array.isArray(methods) && !methods.includes(method)) {
    lacks.push(`the provider does not list ${method}: set clientSecretMethod in config/tenants.json`);
  }
  return { can, lacks };
}
