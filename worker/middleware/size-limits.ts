/** How large a request may be, refused before anything of it is read; a body of unknown length is counted at the object. */
import { bodyLimit as honoBodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { MAX_TARGET_BYTES } from "#protocol/limits.ts";
import { rawTarget } from "#protocol/request-target.ts";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AppEnv } from "../context.ts";
import { GatewayError } from "../problem.ts";

/** Below what a head may hold towards the agent (32 KiB as JSON, 200 pairs), where it would end as a stranger refusal. */
const MAX_HEADER_BYTES = 24 * 1024;
const MAX_HEADERS = 150;
/** Our own forms, and logout tokens. */
const MAX_FORM_BYTES = 16 * 1024;

/** RFC 6585 section 5 and RFC 9110 section 15.5.15. */
export function headLimits() {
  return createMiddleware<AppEnv>(async function headLimits(c, next) {
    if (rawTarget(c.req.raw.url).length > MAX_TARGET_BYTES) throw new GatewayError("target_too_long");
    let bytes = 0;
    let count = 0;
    for (const [name, value] of c.req.raw.headers) {
      bytes += name.length + value.length;
      count += 1;
    }
    if (bytes > MAX_HEADER_BYTES || count > MAX_HEADERS) throw new GatewayError("headers_too_large");
    return next();
  });
}

/** RFC 9110 section 15.5.14. Own forms are read whole, so they are counted here whatever they say of their length. */
export function bodyLimit() {
  const ownForm = honoBodyLimit({
    maxSize: MAX_FORM_BYTES,
    onError() {
      throw new GatewayError("too_large");
    },
  });
  return createMiddleware<AppEnv>(async function bodyLimit(c, next) {
    // The provider's route counts for itself: its refusals have one status.
    if (c.req.path === `${GATE_PREFIX}/backchannel-logout`) return next();
    if (c.req.path.startsWith(`${GATE_PREFIX}/`)) return ownForm(c, next);
    if (Number(c.req.header("content-length") ?? 0) > c.var.tenant.limits.bodyBytes)
      throw new GatewayError("too_large");
    return next();
  });
}
