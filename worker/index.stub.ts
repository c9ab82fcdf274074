/** The development entry: sign-in by one click, on this computer only. Never deployed. */
import { ConfigError } from "./config/problem.ts";
import { gateway } from "./gateway.ts";
import { loopbackOnly } from "./stub/loopback-only.ts";
import { stubSignIn } from "./stub/stub-sign-in.ts";

export default gateway({
  guard: loopbackOnly,
  signIn(config) {
    if (config.mode !== "stub" || !config.development) {
      throw new ConfigError([{ name: "AUTHSEC_MODE", expected: "stub, with ENVIRONMENT development, in this build" }]);
    }
    return stubSignIn;
  },
});
