/** What no request may bring: credentials in its address, or another site's intention. */
import { createMiddleware } from "hono/factory";
import { GATE_PREFIX } from "#protocol/version.ts";
import { targetPath } from "#protocol/request-target.ts";
import type { AppEnv } from "../context.ts";
import { GatewayError } from "../problem.ts";

/** OpenClaw's own `token` and `mediaTicket` are tickets of its pages, and pass. */
const CREDENTIALS = new Set([
  "access_token",
  "id_token",
  "refresh_token",
  "api_key",
  "apikey",
  "password",
  "client_secret",
  "bearer",
  "jwt",
]);

/** At the root, or at the base path that OpenClaw was given. */
const OWN_SERVICE_WORKER = /^(\/[A-Za-z0-9_-]+)?\/sw\.js$/;

export function noCredentialsInQuery() {
  return createMiddleware<AppEnv>(async function noCredentialsInQuery(c, next) {
    const query = c.var.target.indexOf("?");
    if (query >= 0) {
      for (const name of new URLSearchParams(c.var.target.slice(query)).keys()) {
        if (CREDENTIALS.has(name.toLowerCase())) throw new GatewayError("credentials_in_query");
      }
    }
    await next();
  });
}

/** Comes from a provider's server, which is no browser and sends no `Origin`; its token is its proof. */
const BACKCHANNEL_TARGET = `${GATE_PREFIX}/backchannel-logout`;

/** Refuses other sites' writes and upgrades; sub-domains and other ports are other sites (facts/security T14). */
export function sameOrigin() {
  return createMiddleware<AppEnv>(async function sameOrigin(c, next) {
    const { method } = c.req;
    const origin = c.req.header("origin");
    const upgrade = c.req.header("upgrade") !== undefined;
    const guarded = upgrade ? c.req.header("cookie") !== undefined : method !== "GET" && method !== "HEAD";
    const isProvider = method === "POST" && c.var.target === BACKCHANNEL_TARGET && !upgrade;
    if (guarded && !isProvider && origin !== c.var.tenant.publicUrl.origin) throw new GatewayError("foreign_origin");
    await next();
  });
}

/**
 * A script becomes a service worker only where OpenClaw's own is: what somebody uploaded must not answer in its place
 * (facts/security D3). The header is the browser's to set (Service Workers, section 4.4), no page can leave it out.
 */
export function ownServiceWorkerOnly() {
  return createMiddleware<AppEnv>(async function ownServiceWorkerOnly(c, next) {
    const isWorker = c.req.header("service-worker") !== undefined;
    if (isWorker && !OWN_SERVICE_WORKER.test(targetPath(c.var.target)))
      throw new GatewayError("service_worker_refused");
    await next();
  });
}
