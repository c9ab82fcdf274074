/** The console's API, for pages and the command line alike. What may be done is decided at the object. */
import { Hono } from "hono";
import * as v from "valibot";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { GatewayError } from "../problem.ts";
import { clientAddress, SHARD } from "../session-lifecycle.ts";
import { requireActing, requireActor, sealToken, valueOf } from "./acting.ts";
import { addAgentApi } from "./agent-console.ts";
import { describeTenant } from "./describe-tenant.ts";
import { Name, parse } from "./parse.ts";

const Scope = v.optional(v.picklist(["own", "all"]), "own");
const Cursor = v.optional(v.pipe(v.string(), v.maxLength(256)));

export function consoleApi(deps: Deps): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  api.use(async function noStore(c, next) {
    await next();
    c.header("cache-control", "no-store");
  });
  api.get("/me", async (c) => c.json(await requireActor(deps, c)));
  api.get("/sessions", async (c) => {
    const scope = parse(Scope, c.req.query("scope"));
    const cursor = parse(Cursor, c.req.query("cursor")) ?? null;
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.listSessions(c.var.tenant.call, session, scope, cursor)));
  });
  api.delete("/sessions/:handle", async (c) => {
    const target = { session: parse(Name, c.req.param("handle")) };
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.revokeAs(c.var.tenant.call, session, target)));
  });
  api.get("/people", async (c) => {
    const cursor = parse(Cursor, c.req.query("cursor")) ?? null;
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.listPeople(c.var.tenant.call, session, cursor)));
  });
  api.delete("/people/:key", async (c) => {
    const person = parse(Name, c.req.param("key"));
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.forgetPerson(c.var.tenant.call, session, person)));
  });
  api.get("/audit", async (c) => {
    const cursor = parse(Cursor, c.req.query("cursor")) ?? null;
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.listAudit(c.var.tenant.call, session, cursor)));
  });
  api.post("/people/:key/revoke", async (c) => {
    const target = { person: parse(Name, c.req.param("key")) };
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.revokeAs(c.var.tenant.call, session, target)));
  });
  api.post("/revoke-all", async (c) => {
    const { object, session } = await requireActing(deps, c);
    return c.json(valueOf(await object.revokeAs(c.var.tenant.call, session, "all")));
  });
  api.get("/config", async (c) => {
    if ((await requireActor(deps, c)).role !== "admin") throw new GatewayError("admins_only");
    return c.json(describeTenant(c.var.tenant));
  });
  addAgentApi(api, deps);
  api.all("*", () => {
    throw new GatewayError("not_found");
  });
  return api;
}

/** @returns a token for the command line, told once */
export async function startCli(deps: Deps, c: AppContext): Promise<{ token: string; expiresAt: number }> {
  const { object, session: actor } = await requireActing(deps, c);
  const from = { userAgent: "tidegate command line", clientAddress: clientAddress(deps, c) };
  const { session, expiresAt } = valueOf(await object.startCliSession(c.var.tenant.call, actor, from));
  const reference = { session, shard: SHARD, expiresAt: Math.floor(expiresAt / 1000) };
  return { token: await sealToken(deps, c, reference), expiresAt };
}
