/** One identity provider as a tenant document describes it; {@link expandProvider} makes the settings of it. */
import * as v from "valibot";
import { normalizeDomain } from "../access/email.ts";
import { PROVIDER_ID } from "./people-document.ts";
import { PRESETS, type PresetName } from "./presets.ts";
import { listOf, noted, text, wholeNumber } from "./schema.ts";

export const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"] as const;

const presetNames = Object.keys(PRESETS) as PresetName[];
/** Names of other secrets of ours: sending one to a provider would give it away. */
const OWN_SECRETS = new Set(["SESSION_SECRET", "STORAGE_KEY", "BREAK_GLASS_SECRET"]);
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,57}_(SECRET|KEY)$/;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !OWN_SECRETS.has(name);
}

const SecretName = text(
  "the name of a secret, such as ACME_OKTA_SECRET (ends in _SECRET or _KEY): never the secret itself",
  isSecretName,
);
const Guid = text(
  "a directory (tenant) id: 32 hexadecimal digits in five groups",
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
);
const Domain = v.pipe(
  text("a domain such as example.com", (value) => normalizeDomain(value) !== null),
  v.transform((value) => normalizeDomain(value) ?? ""),
);
const Host = text("a host name such as graph.microsoft.com", (value) => normalizeDomain(value) === value);
const Printable = (expected: string, most: number) =>
  text(expected, (value) => value.length <= most && /^[\x21-\x7e]+$/.test(value));
const Label = text(
  "a text of 1 to 40 characters on one line",
  (value) => value.length <= 40 && /^[^\p{C}]+$/u.test(value),
);

// RFC 6749 appendix A.1: spaces may be inside. Around it they are a slip.
const ClientId = text(
  "the client id that the provider gave",
  (value) => value.length <= 256 && /^[\x20-\x7e\p{L}]+$/u.test(value) && value === value.trim(),
);

export const provider = {
  preset: noted(
    v.picklist(presetNames, `one of ${presetNames.join(", ")}`),
    "Fills in what is the same for everybody at this provider",
  ),
  id: noted(
    v.optional(text("1 to 32 lower-case letters, digits and hyphens", PROVIDER_ID)),
    "In the redirect URI to register: `<address>/_gate/callback/<id>`; the preset's name if left out",
  ),
  label: noted(v.optional(Label), "On the sign-in page's button; the preset's name if left out"),
  issuer: noted(
    v.optional(Printable("the issuer's address as the provider spells it", 512)),
    "Byte for byte as the provider's metadata spells it, with its trailing slash or without; not needed for google and github",
  ),
  clientId: noted(ClientId, "What the provider calls this gateway"),
  clientSecret: noted(v.optional(SecretName), "Name of the secret that holds the client secret"),
  privateKey: noted(
    v.optional(SecretName),
    "Name of the secret that holds a private key as JWK, for `private_key_jwt`; instead of `clientSecret`",
  ),
  clientSecretMethod: noted(
    v.optional(v.picklist(["client_secret_basic", "client_secret_post"], "client_secret_basic or client_secret_post")),
    "How the client secret is sent",
  ),
  scopes: noted(
    v.optional(listOf(Printable("one scope, without spaces", 128), 40)),
    "Instead of the preset's; `openid` included",
  ),
  algorithms: noted(
    v.optional(listOf(v.picklist(ALGORITHMS, `one of ${ALGORITHMS.join(", ")}`), 4)),
    "Signatures accepted on ID tokens, instead of the preset's",
  ),
  entraTenants: noted(
    v.optional(listOf(Guid, 100)),
    "Directories that may sign in at one of Entra's common issuers; required there",
  ),
  groupsClaim: noted(
    v.optional(v.nullable(Printable("the name of a claim, or null", 128))),
    "Claim that lists a person's groups, instead of the preset's; null: none",
  ),
  emailDomains: noted(
    v.optional(listOf(Domain)),
    "Domains whose addresses this provider may speak for; required as soon as there are two providers. Left out: any address that it calls verified",
  ),
  acrValues: noted(v.optional(listOf(Printable("one acr value", 128), 10), []), "`acr_values` to ask for"),
  maxAgeSeconds: noted(
    v.optional(v.nullable(wholeNumber(0, 31_536_000, "seconds")), null),
    "How old the sign-in at the provider may be; null: any age",
  ),
  prompt: noted(
    v.optional(
      v.nullable(v.picklist(["login", "select_account", "consent"], "login, select_account, consent or null")),
    ),
    "What the provider is to ask each time, instead of the preset's; null: as it likes",
  ),
  claimHosts: noted(
    v.optional(listOf(Host, 10)),
    "Hosts that distributed claims (too many groups for a token) may be fetched from, instead of the preset's",
  ),
};

export const ProviderDocument = v.strictObject(provider);
export type ProviderDocument = v.InferOutput<typeof ProviderDocument>;
