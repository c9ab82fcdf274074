/** Every error ends here: a coded refusal for the outside, the cause in the log and nowhere else. */
import { PRODUCT } from "#protocol/version.ts";
import type { Tenant } from "../config/tenant.ts";
import { isNavigation } from "../not-signed-in.ts";
import { problemPage } from "../pages/problem-page.ts";
import { GatewayError, problemResponse, type ProblemCode } from "../problem.ts";
import type { AppContext, Deps } from "../context.ts";

export function onError(deps: Deps) {
  return function renderError(error: Error, c: AppContext): Response | Promise<Response> {
    const code = error instanceof GatewayError ? error.code : "internal_error";
    if (code === "internal_error") {
      deps.log({ event: "request.failed", request_id: c.var.requestId, error: `${error.name}: ${error.message}` });
    }
    return refusal(deps, c, code);
  };
}

/** @returns the refusal as the caller can read it: a page for a navigation, else a problem document */
export function refusal(deps: Deps, c: AppContext, code: ProblemCode): Response | Promise<Response> {
  const { requestId } = c.var;
  if (!isNavigation(c.req.method, c.req.raw.headers)) return problemResponse(code, requestId);
  // None under a host that belongs to nobody.
  const tenant = c.get("tenant") as Tenant | undefined;
  const { development } = deps.config;
  return problemPage(code, {
    tenant: tenant?.name ?? PRODUCT,
    requestId,
    contact: tenant?.contact ?? null,
    development,
  });
}
