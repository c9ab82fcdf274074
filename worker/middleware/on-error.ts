/** Every error ends here: a coded refusal for the outside, the cause in the log and nowhere else. */
import type { Tenant } from "../config/tenant.ts";
import { isNavigation } from "../not-signed-in.ts";
import { problemPage, type ProblemPageOptions } from "../pages/problem-page.ts";
import { GatewayError, problemResponse, PROBLEMS, type ProblemCode } from "../problem.ts";
import type { AppContext, Deps } from "../context.ts";

export function onError(deps: Deps) {
  return function renderError(error: Error, c: AppContext): Response | Promise<Response> {
    const code = error instanceof GatewayError ? error.code : "internal_error";
    if (code === "internal_error") {
      deps.log({ event: "request.failed", request_id: c.var.requestId, error: `${error.name}: ${error.message}` });
    }
    return refusal(c, code);
  };
}

/**
 * @param next where a sign-in from the page leads
 * @returns the refusal as the caller can read it: a page for a navigation, else a problem document
 */
export function refusal(c: AppContext, code: ProblemCode, next?: string): Response | Promise<Response> {
  if (!isNavigation(c.req.method, c.req.raw.headers)) return problemResponse(code, c.var.requestId);
  const { status, title, detail } = PROBLEMS[code];
  return problemPage({ code, status, title, detail }, { ...surroundings(c), ...(next === undefined ? {} : { next }) });
}

/** What every problem page says besides the problem. */
export function surroundings(c: AppContext): Omit<ProblemPageOptions, "next"> {
  // None under a host that belongs to nobody.
  const tenant = c.get("tenant") as Tenant | undefined;
  return { tenant: tenant?.name ?? "", contact: tenant?.contact ?? null, requestId: c.var.requestId };
}
