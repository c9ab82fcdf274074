/** Sets `c.var.cookie` from the session cookie. No I/O: the object still asks whether the session is live. */
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { AppEnv, Deps } from "../context.ts";
import { cookieName, cookieScope } from "../cookies/session-cookie.ts";

export function authenticate({ cookies, now }: Deps) {
  return createMiddleware<AppEnv>(async function authenticate(c, next) {
    const scope = cookieScope(c.var.tenant);
    const value = getCookie(c, cookieName(scope, c.var.tenant.publicUrl.protocol === "https:"));
    c.set("cookie", value === undefined ? undefined : await cookies.read(scope, value, now()));
    await next();
  });
}
