/** The gateway's table of contents: every check in the order it is made, then every route. */
import { Hono } from "hono";
import type { AppEnv, Deps, SignInAdapter } from "./context.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { onError } from "./middleware/on-error.ts";
import { anonymousLimit } from "./middleware/anonymous-limit.ts";
import { noCredentialsInQuery, sameOrigin } from "./middleware/request-checks.ts";
import { bodyLimit, headLimits } from "./middleware/size-limits.ts";
import { requestLog } from "./middleware/request-log.ts";
import { requestTarget, tenant } from "./middleware/tenant.ts";
import { gateRoutes } from "./routes/gate.ts";
import { relay } from "./routes/relay.ts";

export function createApp(deps: Deps, signIn: SignInAdapter = deps.signIn(deps)): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(onError(deps));
  app.use(requestLog(deps));
  app.use(tenant(deps));
  app.use(headLimits());
  app.use(requestTarget());
  app.use(noCredentialsInQuery());
  app.use(bodyLimit());
  app.use(sameOrigin());
  app.use(authenticate(deps));
  app.use(anonymousLimit(deps));
  app.route("/_gate", gateRoutes(deps, signIn));
  app.all("*", relay(deps, signIn));
  return app;
}
