/** A provider's document, its preset and its secret as the settings that the relying party works with. */
import type { ProviderSettings } from "../oidc/provider-settings.ts";
import { isEntraCommon, issuerFault } from "./issuer-fault.ts";
import { PRESETS, type Preset } from "./presets.ts";
import type { ProviderDocument } from "./provider-document.ts";
import { clientSecretFault, PRIVATE_KEY_EXPECTED, readPrivateKey } from "./secret.ts";

export interface ExpandContext {
  development: boolean;
  /** @returns the secret's text, or undefined when there is none under the name */
  secret: (name: string) => string | undefined;
  /** Whether the document has the field, good or bad: what is bad has been reported already. */
  has: (field: keyof ProviderDocument) => boolean;
  /** `field` of the provider, or the name of a secret. */
  report: (at: { field: keyof ProviderDocument } | { secret: string }, expected: string) => void;
}

/** @returns undefined when something is wrong, all of which has been reported; entries that did not parse are absent */
export function expandProvider(
  document: Partial<ProviderDocument>,
  context: ExpandContext,
): ProviderSettings | undefined {
  const { preset: name, clientId } = document;
  if (name === undefined) return undefined;
  const preset = PRESETS[name];
  const issuer = readIssuer(document, preset, context);
  const entraTenants = readEntraTenants(document, issuer, context);
  const clientAuth = readClientAuth(document, preset, context);
  const scopes = document.scopes ?? preset.scopes;
  if (preset.kind === "oidc" && !scopes.includes("openid"))
    context.report({ field: "scopes" }, "openid among the scopes");
  if (document.algorithms?.length === 0) context.report({ field: "algorithms" }, "at least one algorithm");
  if (issuer === undefined || clientId === undefined || clientAuth === undefined) return undefined;
  return {
    id: document.id ?? name,
    kind: preset.kind,
    label: document.label ?? preset.label,
    issuer,
    clientId,
    clientAuth,
    scopes,
    algorithms: document.algorithms ?? preset.algorithms,
    entraTenants,
    groupsClaim: document.groupsClaim === undefined ? preset.groupsClaim : document.groupsClaim,
    emailDomains: document.emailDomains ?? null,
    acrValues: document.acrValues ?? [],
    maxAgeSeconds: document.maxAgeSeconds ?? null,
    prompt: document.prompt === undefined ? preset.prompt : document.prompt,
    claimHosts: document.claimHosts ?? preset.claimHosts,
  };
}

function readIssuer(document: Partial<ProviderDocument>, preset: Preset, context: ExpandContext): string | undefined {
  const { preset: name, issuer = preset.issuer } = document;
  if (name === undefined) return undefined;
  const fault =
    issuer === null ? "the issuer's address as the provider spells it" : issuerFault(name, issuer, context.development);
  if (fault !== null) context.report({ field: "issuer" }, fault);
  return issuer === null || fault !== null ? undefined : issuer;
}

/** A common issuer vouches for every directory in the world; without a list anybody could make one and come in. */
function readEntraTenants(
  { preset, entraTenants }: Partial<ProviderDocument>,
  issuer: string | undefined,
  { has, report }: ExpandContext,
): string[] | null {
  const common = preset === "entra" && issuer !== undefined && isEntraCommon(issuer);
  if (common && (entraTenants?.length === 0 || !has("entraTenants"))) {
    report(
      { field: "entraTenants" },
      "the ids of the directories that may sign in, because the issuer is a common one",
    );
  } else if (issuer !== undefined && !common && entraTenants !== undefined) {
    report({ field: "entraTenants" }, "nothing: only Entra's issuers common and organizations take a list");
  }
  return common ? (entraTenants ?? []) : null;
}

function readClientAuth(
  document: Partial<ProviderDocument>,
  preset: Preset,
  { secret, has, report, development }: ExpandContext,
): ProviderSettings["clientAuth"] | undefined {
  const { clientSecret, privateKey, clientSecretMethod } = document;
  if (has("clientSecret") === has("privateKey")) {
    report({ field: "clientSecret" }, "the name of a secret, here or in privateKey, and not in both");
    return undefined;
  }
  const name = clientSecret ?? privateKey;
  if (name === undefined) return undefined;
  const text = secret(name);
  if (text === undefined) {
    report(
      { secret: name },
      privateKey === undefined ? "the client secret that the provider gave" : PRIVATE_KEY_EXPECTED,
    );
    return undefined;
  }
  if (privateKey !== undefined) {
    const key = readPrivateKey(text);
    if (key === null) report({ secret: name }, PRIVATE_KEY_EXPECTED);
    return key === null ? undefined : { method: "private_key_jwt", ...key };
  }
  const fault = clientSecretFault(text, development);
  if (fault !== null) report({ secret: name }, fault);
  return fault === null ? { method: clientSecretMethod ?? preset.clientSecretMethod, secret: text } : undefined;
}
