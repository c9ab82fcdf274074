/**
 * The relying party alone, for an outside test suite: the deployed sign-in, except that whoever is verified comes in, as
 * a viewer of nothing. Never deployed: it refuses to run outside development.
 */
import { ConfigError } from "./env.ts";
import { gateway } from "./gateway.ts";
import { signInFromEnv } from "./oidc/env-providers.ts";
import { oidcSignIn } from "./oidc/oidc-sign-in.ts";

export default gateway({
  signIn(config, env) {
    if (config.mode !== "oidc" || !config.development) throw new ConfigError(["AUTHSEC_MODE", "ENVIRONMENT"]);
    return oidcSignIn({ ...signInFromEnv(env, true), admit: () => ({ role: "viewer" }) });
  },
});
