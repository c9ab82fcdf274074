/**
 * What is wrong with an issuer before anything is fetched. Discovery compares byte for byte, so the usual slips (a
 * slash, a copied metadata address) would else show as a mismatch at the first sign-in only.
 */
import type { PresetName } from "./presets.ts";

const ENTRA =
  /^https:\/\/login\.microsoftonline\.(com|us)\/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|common|organizations)\/v2\.0$/;
const COMMON = /\/(common|organizations)\/v2\.0$/;

/** @returns the sentence that says what is expected, or null when the spelling can be right */
export function issuerFault(preset: PresetName, issuer: string, development: boolean): string | null {
  const url = URL.parse(issuer);
  if (url === null || !/^https?:$/.test(url.protocol)) return "an https address";
  if (url.protocol === "http:" && !(development && isLoopback(url.hostname))) {
    return "https (http only in development, on localhost)";
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    return "an address without user, query and fragment";
  }
  if (issuer.includes("/.well-known/")) return "the issuer alone, without /.well-known/ and what follows";
  if (issuer !== url.origin && !issuer.startsWith(`${url.origin}/`)) {
    return "the host in lower case, without a port that https has anyway";
  }
  return presetFault(preset, issuer, url);
}

/** @returns whether this is one of Entra's issuers that speak for every directory */
export function isEntraCommon(issuer: string): boolean {
  return COMMON.test(issuer);
}

function presetFault(preset: PresetName, issuer: string, url: URL): string | null {
  switch (preset) {
    case "google":
      return issuer === "https://accounts.google.com"
        ? null
        : "https://accounts.google.com, without a slash at the end";
    case "github":
      return issuer === "https://github.com" ? null : "https://github.com, without a slash at the end";
    case "entra":
      return ENTRA.test(issuer) ? null : "https://login.microsoftonline.com/<directory id>/v2.0, the id in lower case";
    case "okta":
      if (/-admin\.okta/.test(url.hostname)) return "the organization's address, not its -admin one";
      return issuer.endsWith("/") ? "no slash at the end: Okta spells it without" : null;
    case "auth0":
      return issuer.endsWith("/") && url.pathname === "/" ? null : "https://<your domain>/ with the slash at the end";
    case "keycloak":
      return /\/realms\/[^/]+$/.test(url.pathname) ? null : "https://<host>/realms/<realm>, without a slash at the end";
    case "oidc":
      return null;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
