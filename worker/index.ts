/** The deployed entry: OpenID Connect sign-in. The stub is not in this bundle; a test looks for it. */
import tenantsFile from "../config/tenants.json";
import { ConfigError } from "./config/problem.ts";
import { gateway } from "./gateway.ts";
import { oidcSignIn } from "./oidc/oidc-sign-in.ts";

export default gateway(
  {
    signIn({ mode }) {
      // AuthSec's native sign-in is not in this version: nobody gets in, and the log says why.
      if (mode !== "oidc") throw new ConfigError([{ name: "AUTHSEC_MODE", expected: "oidc, in this build" }]);
      return oidcSignIn();
    },
  },
  tenantsFile,
);
