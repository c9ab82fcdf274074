/** Whose host is this? An exact match on what is configured, before anything else is looked at. */
import { createMiddleware } from "hono/factory";
import { isCanonicalTarget, rawTarget } from "#protocol/request-target.ts";
import type { AppEnv, Deps } from "../context.ts";
import { GatewayError } from "../problem.ts";

export function tenant({ findTenant }: Deps) {
  return createMiddleware<AppEnv>(async function tenant(c, next) {
    const found = findTenant(c.req.header("host") ?? "", c.req.path);
    if (found === undefined) throw new GatewayError("unknown_tenant");
    c.set("tenant", found);
    await next();
  });
}

/** Passes only targets that OpenClaw's parser reads as they are written (design section 2). */
export function requestTarget() {
  return createMiddleware<AppEnv>(async function requestTarget(c, next) {
    const target = rawTarget(c.req.raw.url);
    if (!isCanonicalTarget(target)) throw new GatewayError("bad_target");
    c.set("target", target);
    await next();
  });
}
