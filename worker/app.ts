/** The gateway's table of contents: every check in the order it is made, then every route, of either kind of host. */
import { Hono, type MiddlewareHandler } from "hono";
import { rawTarget, targetPath } from "#protocol/request-target.ts";
import { consoleRoutes } from "./console/console-routes.ts";
import type { AppEnv, Deps, SignInAdapter } from "./context.ts";
import type { Env } from "./env.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { onError } from "./middleware/on-error.ts";
import { anonymousLimit } from "./middleware/anonymous-limit.ts";
import { noCredentialsInQuery, ownServiceWorkerOnly, sameOrigin } from "./middleware/request-checks.ts";
import { bodyLimit, headLimits } from "./middleware/size-limits.ts";
import { requestLog } from "./middleware/request-log.ts";
import { requestTarget, tenant } from "./middleware/tenant.ts";
import { gateRoutes } from "./routes/gate.ts";
import { relay } from "./routes/relay.ts";

export interface App {
  fetch(request: Request, env: Env, context?: Parameters<Hono["fetch"]>[2]): Response | Promise<Response>;
}

export function createApp(deps: Deps, signIn: SignInAdapter = deps.signIn(deps)): App {
  const strangers = anonymousLimit(deps);
  const workspaces = withChecks(deps, strangers);
  workspaces.route("/_gate", gateRoutes(deps, signIn));
  workspaces.all("*", relay(deps, signIn));
  const consoles = withChecks(deps, strangers);
  consoles.route("/", consoleRoutes(deps, signIn));
  return {
    fetch(request, env, context) {
      // An unknown host is the first check's to refuse.
      const site = deps.findTenant(request.headers.get("host") ?? "", "/");
      return (site?.kind === "console" ? consoles : workspaces).fetch(request, env, context);
    },
  };
}

function withChecks(deps: Deps, strangers: MiddlewareHandler<AppEnv>): Hono<AppEnv> {
  // Routed by the very string that is checked, sent and logged: Hono would decode it first.
  const app = new Hono<AppEnv>({ getPath: ({ url }) => targetPath(rawTarget(url)) });
  app.onError(onError(deps));
  app.use(requestLog(deps));
  app.use(tenant(deps));
  app.use(headLimits());
  app.use(requestTarget());
  app.use(noCredentialsInQuery());
  app.use(bodyLimit());
  app.use(sameOrigin());
  app.use(ownServiceWorkerOnly());
  app.use(authenticate(deps));
  app.use(strangers);
  return app;
}
