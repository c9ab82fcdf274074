/** Own routes under `/_gate/`; whatever is not listed is 404 here and never OpenClaw's. */
import { Hono } from "hono";
import type { SessionView } from "../../durable-objects/rpc.ts";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { indexPage, leavingPage, signedOutPage, signOutPage } from "../pages/account-pages.ts";
import { GatewayError } from "../problem.ts";
import { endSession, requireSession } from "../session-lifecycle.ts";
import { tunnel } from "./tunnel.ts";
import { welcomeRoutes } from "./welcome.ts";

export function gateRoutes(deps: Deps): Hono<AppEnv> {
  const gate = new Hono<AppEnv>();
  gate.get("/", async (c) => indexPage(c.var.tenant, await requireSession(deps, c)));
  gate.route("/welcome", welcomeRoutes(deps));
  gate.get("/session", async (c) => {
    const { email, name, role, user, createdAt, expiresAt, idleExpiresAt } = await requireSession(deps, c);
    return c.json({ email, name, role, user, createdAt, expiresAt, idleExpiresAt }, 200, {
      "cache-control": "no-store",
    });
  });
  const signIn = deps.signIn(deps);
  gate.route("/login", signIn.login);
  if (signIn.callback !== undefined) gate.route("/callback", signIn.callback);
  gate.get("/logout", (c) => signOutPage(c.var.tenant.name));
  gate.post("/logout", async (c) => {
    const session = signIn.signOutUrl === undefined ? undefined : await findSession(deps, c);
    await endSession(deps, c);
    const elsewhere = session === undefined ? null : ((await signIn.signOutUrl?.(session, c)) ?? null);
    if (elsewhere === null) return c.redirect("/_gate/signed-out", 303);
    return withCookies(c, await leavingPage(c.var.tenant.name, elsewhere));
  });
  gate.get("/signed-out", (c) => signedOutPage(c.var.tenant.name));
  gate.post("/signed-out", async (c) => {
    const response = await signedOutPage(c.var.tenant.name, true);
    // Only when asked for: it deletes OpenClaw's device key and the drafts that were not sent.
    response.headers.set("clear-site-data", '"cache", "storage"');
    return response;
  });
  gate.get("/healthz", (c) => c.text("ok", 200, { "cache-control": "no-store" }));
  gate.get("/readyz", async (c) => {
    const { agent } = await deps.tenantObject(c.var.tenant.id, 0).readiness();
    const ready = agent === "connected";
    return c.text(ready ? "ready" : "away", ready ? 200 : 503, { "cache-control": "no-store" });
  });
  gate.get("/tunnel", tunnel(deps));
  gate.all("*", () => {
    throw new GatewayError("not_found");
  });
  return gate;
}

/** @returns the session that is being signed out of, or undefined when it is over already */
async function findSession(deps: Deps, c: AppContext): Promise<SessionView | undefined> {
  try {
    return await requireSession(deps, c);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
