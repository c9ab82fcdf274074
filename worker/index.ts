/** The deployed entry: OpenID Connect sign-in. The stub is not in this bundle; a test looks for it. */
import { ConfigError } from "./env.ts";
import { gateway } from "./gateway.ts";
import { oidcSignIn } from "./oidc/oidc-sign-in.ts";
import { signInFromEnv } from "./oidc/env-providers.ts";

export default gateway({
  signIn(config, env) {
    // AuthSec's native sign-in is not in this version: nobody gets in, and the log says why.
    if (config.mode !== "oidc") throw new ConfigError([`AUTHSEC_MODE=${config.mode} is not available in this build`]);
    return oidcSignIn(signInFromEnv(env, config.development));
  },
});
