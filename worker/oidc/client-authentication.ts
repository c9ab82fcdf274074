/** How the gateway proves to a provider's token endpoint who it is (RFC 6749 section 2.3, RFC 7523). */
import { importJWK } from "jose";
import {
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  PrivateKeyJwt,
  type AuthorizationServer,
  type ClientAuth,
} from "oauth4webapi";
import type { ProviderSettings } from "./provider-settings.ts";

/** @returns a function that adds the proof to each request to the token, PAR or revocation endpoint */
export async function clientAuthentication(settings: ProviderSettings): Promise<ClientAuth> {
  const { clientAuth } = settings;
  switch (clientAuth.method) {
    case "client_secret_basic":
      return ClientSecretBasic(clientAuth.secret);
    case "client_secret_post":
      return ClientSecretPost(clientAuth.secret);
    case "private_key_jwt": {
      const { algorithm, keyId } = clientAuth;
      const key = (await importJWK(clientAuth.key, algorithm)) as CryptoKey;
      return (server, client, body, headers) => {
        const authenticate = PrivateKeyJwt(keyId === null ? key : { key, kid: keyId }, {
          [modifyAssertion](header, payload) {
            header["alg"] = algorithm;
            payload["aud"] = audience(server, settings);
          },
        });
        return authenticate(server, client, body, headers);
      };
    }
  }
}

/** The issuer alone, so that no other endpoint can be made to accept it; Entra knows only its token endpoint. */
function audience(server: AuthorizationServer, settings: ProviderSettings): string {
  const isEntra = /^https:\/\/login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)\//.test(settings.issuer);
  return isEntra ? (server.token_endpoint ?? server.issuer) : server.issuer;
}
