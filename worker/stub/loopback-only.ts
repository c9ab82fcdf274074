/** The stub trusts whoever can reach it, so it answers this computer's own names only (DNS rebinding: exact match). */
import type { Config } from "../config/parse-config.ts";
import { isNavigation } from "../not-signed-in.ts";
import { problemResponse } from "../problem.ts";
import { rawTarget } from "#protocol/request-target.ts";

export function loopbackOnly(config: Config, request: Request): Response | undefined {
  // One tenant: the stub is configured by variables only.
  const { port = "", origin = "" } = config.tenants[0]?.publicUrl ?? {};
  const asked = request.headers.get("host") ?? "";
  // Its console is on another port of the same name.
  if (config.tenants.some(({ publicUrl }) => publicUrl.host === asked)) return undefined;
  const suffix = port === "" ? "" : `:${port}`;
  const loopback = asked === `127.0.0.1${suffix}` || asked === `[::1]${suffix}`;
  // OpenClaw admits one origin; the addresses lead to its name.
  if (loopback && isNavigation(request.method, request.headers)) {
    return new Response(null, { status: 302, headers: { location: origin + rawTarget(request.url) } });
  }
  return problemResponse("stub_needs_loopback", crypto.randomUUID());
}
