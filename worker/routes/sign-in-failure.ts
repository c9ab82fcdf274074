/** The one end of every sign-in that did not work: its exact reason to the log, its page to the person. */
import type { AppContext, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { refusal } from "../middleware/on-error.ts";
import { SignInError } from "../oidc/sign-in-error.ts";
import { GatewayError } from "../problem.ts";

/**
 * @param provider id of a configured one, or "": what the address says is not for the log
 * @param next where another try leads
 */
export async function signInFailure(
  deps: Deps,
  c: AppContext,
  provider: string,
  error: unknown,
  next?: string,
): Promise<Response> {
  if (!(error instanceof GatewayError)) throw error;
  const reason = error instanceof SignInError ? error.reason : error.code;
  deps.log({ event: "login.failed", request_id: c.var.requestId, provider, reason });
  return withCookies(c, await refusal(c, error.code, next));
}
