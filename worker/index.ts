/** The deployed entry. The stub is not in this bundle; a test looks for it. */
import { ConfigError } from "./env.ts";
import { gateway } from "./gateway.ts";

export default gateway({
  signIn(config) {
    // OpenID Connect and AuthSec native sign-in are not in this version: nobody gets in, and the log says why.
    throw new ConfigError([`AUTHSEC_MODE=${config.mode} is not available in this build`]);
  },
});
