/** Which provider of a tenant speaks for an issuer. */
import type { Provider } from "./provider.ts";
import { SignInError } from "./sign-in-error.ts";

/**
 * @param id of the very one that is meant: two may share an issuer, and one may be given another
 * @throws {SignInError} unknown_provider
 */
export function findProvider(providers: readonly Provider[], issuer: string, id: string): Provider {
  const found = providers.find((one) => one.settings.id === id && hasIssuer(one, issuer));
  if (found === undefined) throw new SignInError("unknown_provider");
  return found;
}

/** Entra's common issuers stand for one per listed tenant. */
export function hasIssuer({ settings }: Provider, issuer: string): boolean {
  if (settings.issuer === issuer) return true;
  const tenants = settings.entraTenants ?? [];
  return tenants.some(
    (tenant) => issuer === settings.issuer.replace(/\/(common|organizations|consumers)\//, `/${tenant}/`),
  );
}
