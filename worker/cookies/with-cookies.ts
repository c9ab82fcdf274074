import type { AppContext } from "../context.ts";

/** A response made apart from the context, with the cookies that were set on the context so far. */
export function withCookies(c: AppContext, response: Response): Response {
  for (const cookie of c.res.headers.getSetCookie()) response.headers.append("set-cookie", cookie);
  return response;
}
