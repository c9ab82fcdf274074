/** Everything that is not ours: classified, authorised at the object in one hop, and relayed. */
import { classifyTarget, type RouteClass, targetPath } from "#protocol/request-target.ts";
import { ERROR_HEADER, GATE_PREFIX } from "#protocol/version.ts";
import { SETTINGS_HEADER, type RelayCall } from "../../durable-objects/rpc.ts";
import type { AppContext, Deps, SignInAdapter } from "../context.ts";
import { SIGNED_OUT } from "../cookies/session-cookie.ts";
import { refusal, surroundings } from "../middleware/on-error.ts";
import { isNavigation, notSignedIn } from "../not-signed-in.ts";
import { awayPage } from "../pages/away-page.ts";
import { problemPage } from "../pages/problem-page.ts";
import { GatewayError, problemResponse } from "../problem.ts";
import { refuseSocket, type SessionEnd } from "../refuse-socket.ts";
import { relayHeaders } from "../relay-headers.ts";
import { isUnderWay, readRenewal } from "../renewal-cookie.ts";
import { renewSession } from "../renewal/renew-session.ts";
import { clientAddress, SHARD } from "../session-lifecycle.ts";

/** Where the Control UI shows the one session that everybody shares, unless OpenClaw hides it from all but its owner. */
const LANDINGS: ReadonlySet<string> = new Set(["/", "/chat", "/chat/main"]);
const NEW_SESSION = "/new";

export function relay(deps: Deps, adapter: SignInAdapter) {
  return async function relay(c: AppContext): Promise<Response> {
    const { cookie, target, tenant } = c.var;
    const { method } = c.req;
    if (looksLikeOurs(target)) throw new GatewayError("not_found");
    const upgrade = c.req.header("upgrade")?.toLowerCase() === "websocket";
    const routeClass = classifyTarget(method, target, upgrade);
    if (cookie?.kind !== "valid") return answerNotSignedIn(deps, c, upgrade, cookie === undefined ? null : "expired");
    if (routeClass === null) throw new GatewayError("route_closed");
    if (tenant.ownSessions && LANDINGS.has(targetPath(target)) && isNavigation(method, c.req.raw.headers)) {
      return c.redirect(NEW_SESSION, 302);
    }
    const call: RelayCall = {
      tenant: tenant.id,
      session: cookie.reference.session,
      requestId: c.var.requestId,
      method,
      target,
      routeClass,
      clientAddress: clientAddress(deps, c),
      scheme: tenant.publicUrl.protocol === "https:" ? "https" : "http",
      host: tenant.publicUrl.host,
    };
    const { shard } = cookie.reference;
    let response = await fetchObject(deps, c, call, shard, upgrade);
    if (response.headers.get(ERROR_HEADER) === "renewal_due") {
      // An answer that nobody reads would keep the object awake.
      await response.body?.cancel();
      await renewSession(deps, adapter, { tenant, shard, name: { id: call.session } });
      // Its body has gone, and cannot be sent twice; the browser has it still (RFC 9110 section 15.4.8).
      if (c.req.raw.body !== null) return c.body(null, 307, { location: target, "cache-control": "no-store" });
      response = await fetchObject(deps, c, { ...call, renewed: true }, shard, upgrade);
    }
    const code = response.headers.get(ERROR_HEADER);
    const instead = code === null ? undefined : answerInstead(deps, c, { code, upgrade, routeClass });
    if (instead !== undefined) {
      await response.body?.cancel();
      return instead;
    }
    if (code !== null && isNavigation(method, c.req.raw.headers)) return objectRefusal(deps, c, code, response);
    c.set("relayed", code === null);
    return response;
  };
}

/** @returns what OpenClaw's Control UI must get where the object's own words would mislead it (design section 5) */
function answerInstead(
  deps: Deps,
  c: AppContext,
  { code, upgrade, routeClass }: { code: string; upgrade: boolean; routeClass: RouteClass },
): Response | Promise<Response> | undefined {
  if (code === "session_expired" || code === "session_unknown") return answerNotSignedIn(deps, c, upgrade, "expired");
  if (code === "session_revoked") return answerNotSignedIn(deps, c, upgrade, "revoked");
  if (routeClass !== "gateway") return undefined;
  if (code === "workspace_away") return refuseSocket("away", deps.now());
  return code === "identity_unwritten" ? refuseSocket("untold", deps.now()) : undefined;
}

/** A refusal of the object's, for a person to read. */
async function objectRefusal(deps: Deps, c: AppContext, code: string, response: Response): Promise<Response> {
  if (code === "workspace_away") {
    // An answer that nobody reads would keep the object awake.
    await response.body?.cancel();
    const { agent, since } = await deps.tenantObject(c.var.tenant.id, SHARD).readiness();
    const { development } = deps.config;
    return awayPage({ ...surroundings(c), connected: agent === "connected", since, now: deps.now(), development });
  }
  const { title } = await response.json<{ title: string }>();
  const wait = response.headers.get("retry-after");
  const retry = wait === null ? {} : { retryAfterSeconds: Number(wait) };
  return problemPage({ code, status: response.status, title, ...retry }, surroundings(c));
}

async function fetchObject(
  deps: Deps,
  c: AppContext,
  call: RelayCall,
  shard: number,
  upgrade: boolean,
): Promise<Response> {
  const headers = relayHeaders(c.req.raw.headers, call, upgrade);
  headers.set(SETTINGS_HEADER, c.var.tenant.call.settings);
  const isRead = call.method === "GET" || call.method === "HEAD";
  const repeatable = isRead && !upgrade && c.req.raw.body === null;
  // Made from the request itself: part by part, the platform refuses a GET with a body, which RFC 9110 does not.
  const request = () => new Request(c.req.raw, { headers, redirect: "manual", signal: c.req.raw.signal });
  try {
    return await deps.tenantObject(call.tenant, shard).fetch(request());
  } catch (error) {
    // The object was replaced under the request; its stub keeps failing, a fresh one does not.
    const reset = (error as { durableObjectReset?: boolean }).durableObjectReset === true;
    if (!reset || !repeatable) throw new GatewayError("workspace_unavailable", { cause: error });
    return deps.tenantObject(call.tenant, shard).fetch(request());
  }
}

function answerNotSignedIn(
  deps: Deps,
  c: AppContext,
  upgrade: boolean,
  ended: SessionEnd | null,
): Response | Promise<Response> {
  if (upgrade) {
    const { cookie } = c.var;
    if (ended === null || cookie === undefined) return problemResponse("unauthenticated", c.var.requestId);
    const { expiresAt } = cookie.reference;
    const renewing = ended === "expired" && isUnderWay(readRenewal(c, expiresAt), deps.now());
    return refuseSocket(renewing ? "renewing" : ended, deps.now(), expiresAt);
  }
  const left = c.var.cookie?.reference.session === SIGNED_OUT;
  const answer = notSignedIn(c.req.method, c.var.target, c.req.raw.headers);
  switch (answer.type) {
    case "redirect":
      // Not to the provider: it may know the person still, and would have another tab signed in again. Who types the
      // address (Fetch Metadata: no site led here) wants in.
      if (left && c.req.method === "GET" && c.req.header("sec-fetch-site") !== "none")
        return c.redirect(`${GATE_PREFIX}/signed-out`, 302);
      // Said first: a provider that still knows the person would have them back before they read it.
      if (ended === "revoked" && c.req.method === "GET") return refusal(c, "session_revoked", answer.next);
      return c.redirect(`${GATE_PREFIX}/login?next=${encodeURIComponent(answer.next)}`, 302);
    case "renewal":
      if (left) return problemResponse("unauthenticated", c.var.requestId);
      return c.redirect(`${GATE_PREFIX}/login/renewal`, 302);
    case "empty":
      return c.body(null, 200, { "cache-control": "no-store" });
    case "problem":
      return problemResponse(ended === "revoked" ? "session_revoked" : "unauthenticated", c.var.requestId);
  }
}

/** Nothing that a reader could take for one of our pages is ever OpenClaw's. */
function looksLikeOurs(target: string): boolean {
  let path = targetPath(target).toLowerCase();
  try {
    path = decodeURIComponent(path).toLowerCase();
  } catch {
    // Not a valid encoding: judged as it stands.
  }
  return /^\/+_gate(?![a-z0-9_-])/.test(path);
}
