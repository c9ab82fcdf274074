/**
 * The relying party alone, for an outside test suite: the deployed sign-in, except that whoever is verified comes in, as
 * a viewer of nothing. Never deployed: it refuses to run outside development.
 */
import { ConfigError } from "./config/problem.ts";
import { gateway } from "./gateway.ts";
import { oidcSignIn } from "./oidc/oidc-sign-in.ts";

export default gateway({
  signIn({ mode, development }) {
    if (mode !== "oidc" || !development) {
      throw new ConfigError([{ name: "AUTHSEC_MODE", expected: "oidc, with ENVIRONMENT development, in this build" }]);
    }
    return oidcSignIn({ decide: () => ({ allow: true, role: "viewer" }) });
  },
});
