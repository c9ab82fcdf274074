/**
 * Bounds what somebody without a live-looking session may ask of our own routes: signing in costs a provider's answer,
 * an agent's upgrade a signature check. The platform's binding counts in each location, approximately; the buckets here
 * count exactly, in this isolate. Neither stops whoever is signed in.
 */
import { createMiddleware } from "hono/factory";
import { addressPrefix } from "#protocol/address-prefix.ts";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AppEnv, Deps } from "../context.ts";
import { GatewayError } from "../problem.ts";
import { clientAddress } from "../session-lifecycle.ts";
import { Buckets } from "./buckets.ts";

/** An office behind one address signs in at nine: three requests a person. */
const BURST = 240;
const PER_SECOND = 8;

/**
 * These say one word, and ask nobody. A provider tells of a thousand ended sessions from one address, and none may be
 * lost: its token costs a signature check, and keys are looked for once a minute.
 */
const FREE = new Set(["healthz", "readyz", "signed-out", "backchannel-logout"].map((name) => `${GATE_PREFIX}/${name}`));

export function anonymousLimit(deps: Deps) {
  const buckets = new Buckets(BURST, PER_SECOND, deps.now);
  return createMiddleware<AppEnv>(async function anonymousLimit(c, next) {
    const { tenant, cookie } = c.var;
    const { path } = c.req;
    if (cookie?.kind === "valid" || !path.startsWith(`${GATE_PREFIX}/`) || FREE.has(path)) return next();
    const key = `${tenant.id} ${addressPrefix(clientAddress(deps, c))}`;
    const shield = c.env?.ANONYMOUS_LIMIT;
    const passes = buckets.spend(key) && (shield === undefined || (await shield.limit({ key })).success);
    if (!passes) throw new GatewayError("rate_limited");
    return next();
  });
}
