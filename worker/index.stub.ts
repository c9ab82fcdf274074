/** The development entry: sign-in by one click, on this computer only. Never deployed. */
import { ConfigError } from "./env.ts";
import { gateway } from "./gateway.ts";
import { loopbackOnly } from "./stub/loopback-only.ts";
import { stubSignIn } from "./stub/stub-sign-in.ts";

export default gateway({
  guard: loopbackOnly,
  signIn(config) {
    if (config.mode !== "stub" || !config.development) throw new ConfigError(["AUTHSEC_MODE", "ENVIRONMENT"]);
    return stubSignIn;
  },
});
