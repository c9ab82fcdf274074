/** Everything on a console's host. Nothing of OpenClaw is ever served here; whatever is not listed is 404. */
import { Hono } from "hono";
import * as v from "valibot";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AdminTarget } from "../../durable-objects/rpc.ts";
import type { AppContext, AppEnv, Deps, SignInAdapter } from "../context.ts";
import { isNavigation, safeNext } from "../not-signed-in.ts";
import { signedOutPage } from "../pages/account-pages.ts";
import { GatewayError } from "../problem.ts";
import { logoutRoutes } from "../routes/logout.ts";
import { requireActing, requireActor, valueOf } from "./acting.ts";
import { addAgentPages } from "./agent-console.ts";
import { consoleApi, startCli } from "./console-api.ts";
import { forgetPage, overviewPage, peoplePage, revokeAllPage, sessionsPage, tokenPage } from "./console-pages.ts";
import { Name, parse } from "./parse.ts";

const Cursor = v.optional(v.pipe(v.string(), v.maxLength(256)));

export function consoleRoutes(deps: Deps, signIn: SignInAdapter): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.route(`${GATE_PREFIX}/login`, signIn.login);
  if (signIn.callback !== undefined) routes.route(`${GATE_PREFIX}/callback`, signIn.callback);
  routes.route(`${GATE_PREFIX}/logout`, logoutRoutes(deps, signIn));
  routes.get(`${GATE_PREFIX}/signed-out`, (c) => signedOutPage(c.var.tenant.name, true));
  routes.get(`${GATE_PREFIX}/healthz`, (c) => c.text("ok", 200, { "cache-control": "no-store" }));
  routes.route("/api", consoleApi(deps));
  routes.use(async function signedInOnly(c, next) {
    if (c.var.cookie?.kind === "valid") return next();
    if (!isNavigation(c.req.method, c.req.raw.headers)) throw new GatewayError("unauthenticated");
    return c.redirect(`${GATE_PREFIX}/login?next=${encodeURIComponent(safeNext(c.var.target))}`, 302);
  });
  routes.get("/", async (c) => {
    const { object, session } = await requireActing(deps, c);
    const { call, name } = c.var.tenant;
    const actor = await requireActor(deps, c);
    return overviewPage(name, actor, valueOf(await object.listSessions(call, session, "own", null)));
  });
  routes.get("/sessions", async (c) => {
    const { object, session } = await requireActing(deps, c);
    const { call, name } = c.var.tenant;
    const list = valueOf(await object.listSessions(call, session, "all", cursorOf(c)));
    return sessionsPage(name, await requireActor(deps, c), list);
  });
  routes.get("/people", async (c) => {
    const { object, session } = await requireActing(deps, c);
    const { call, name } = c.var.tenant;
    const list = valueOf(await object.listPeople(call, session, cursorOf(c)));
    return peoplePage(name, await requireActor(deps, c), list);
  });
  routes.post("/sessions/:handle/end", (c) => revoke(deps, c, { session: c.req.param("handle") }));
  routes.post("/people/:key/revoke", (c) => revoke(deps, c, { person: c.req.param("key") }));
  routes.get("/people/:key/forget", async (c) => {
    const key = parse(Name, c.req.param("key"));
    const { object, session } = await requireActing(deps, c);
    const { call, name } = c.var.tenant;
    const person = valueOf(await object.findPerson(call, session, key));
    if (key === (await requireActor(deps, c)).person) throw new GatewayError("not_yourself");
    return forgetPage(name, person);
  });
  routes.post("/people/:key/forget", async (c) => {
    const person = parse(Name, c.req.param("key"));
    const { object, session } = await requireActing(deps, c);
    valueOf(await object.forgetPerson(c.var.tenant.call, session, person));
    return c.redirect("/people", 303);
  });
  routes.post("/everywhere", async (c) => revoke(deps, c, { person: (await requireActor(deps, c)).person }));
  routes.get("/revoke-all", (c) => revokeAllPage(c.var.tenant.name));
  routes.post("/revoke-all", (c) => revoke(deps, c, "all"));
  routes.post("/cli", async (c) => {
    const { token, expiresAt } = await startCli(deps, c);
    return tokenPage(c.var.tenant.name, token, expiresAt);
  });
  addAgentPages(routes, deps);
  routes.all("*", () => {
    throw new GatewayError("not_found");
  });
  return routes;
}

/** Back to the overview: whoever ended their own session is led to sign-in from there. */
async function revoke(deps: Deps, c: AppContext, target: AdminTarget): Promise<Response> {
  const { object, session } = await requireActing(deps, c);
  valueOf(await object.revokeAs(c.var.tenant.call, session, target));
  return c.redirect("/", 303);
}

function cursorOf(c: AppContext): string | null {
  return parse(Cursor, c.req.query("cursor")) ?? null;
}
