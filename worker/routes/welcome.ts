/** `/_gate/welcome`: once per person, and when a browser changes hands: who they are here, and who else can see what they do here. */
import { Hono } from "hono";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AppEnv, Deps } from "../context.ts";
import { returnTarget } from "../not-signed-in.ts";
import { welcomePage } from "../pages/account-pages.ts";
import { GatewayError } from "../problem.ts";
import { requireSession } from "../session-lifecycle.ts";

/** @returns where a sign-in ends: what was asked for, by way of the notice when there is reason for one */
export function landing(next: string, notice: boolean): string {
  if (!notice) return next;
  return `${GATE_PREFIX}/welcome${next === "/" ? "" : `?next=${encodeURIComponent(next)}`}`;
}

export function welcomeRoutes(deps: Deps): Hono<AppEnv> {
  const welcome = new Hono<AppEnv>();
  welcome.get("/", async (c) =>
    welcomePage(c.var.tenant, await requireSession(deps, c), returnTarget(c.req.query("next"))),
  );
  welcome.post("/", async (c) => {
    const { cookie, tenant } = c.var;
    if (cookie?.kind !== "valid") throw new GatewayError("unauthenticated");
    const form = await c.req.parseBody();
    const { shard, session } = cookie.reference;
    const seen = await deps.tenantObject(tenant.id, shard).noticeSeen(tenant.call, session);
    if (!seen.ok) throw new GatewayError(seen.code === "session_unknown" ? "unauthenticated" : seen.code);
    return c.redirect(returnTarget(typeof form["next"] === "string" ? form["next"] : undefined), 303);
  });
  return welcome;
}
