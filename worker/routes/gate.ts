/** Own routes under `/_gate/`; whatever is not listed is 404 here and never OpenClaw's. */
import { Hono } from "hono";
import { agentRoutes, deviceRoutes } from "../agents/agent-routes.ts";
import type { AppEnv, Deps, SignInAdapter } from "../context.ts";
import { indexPage, signedOutPage } from "../pages/account-pages.ts";
import { GatewayError } from "../problem.ts";
import { requireSession } from "../session-lifecycle.ts";
import { agentFile } from "./agent-file.ts";
import { backchannelLogout } from "./backchannel-logout.ts";
import { frontchannelLogout } from "./frontchannel-logout.ts";
import { logoutRoutes } from "./logout.ts";
import { tunnel } from "./tunnel.ts";
import { welcomeRoutes } from "./welcome.ts";

export function gateRoutes(deps: Deps, signIn: SignInAdapter): Hono<AppEnv> {
  const gate = new Hono<AppEnv>();
  gate.get("/", async (c) => indexPage(c.var.tenant, await requireSession(deps, c)));
  gate.route("/welcome", welcomeRoutes(deps));
  gate.get("/session", async (c) => {
    const { email, name, role, user, createdAt, expiresAt, idleExpiresAt } = await requireSession(deps, c);
    return c.json({ email, name, role, user, createdAt, expiresAt, idleExpiresAt }, 200, {
      "cache-control": "no-store",
    });
  });
  gate.route("/login", signIn.login);
  if (signIn.callback !== undefined) gate.route("/callback", signIn.callback);
  gate.route("/logout", logoutRoutes(deps, signIn));
  gate.post("/backchannel-logout", backchannelLogout(deps, signIn));
  gate.get("/frontchannel-logout", frontchannelLogout(deps, signIn));
  gate.get("/signed-out", (c) => signedOutPage(c.var.tenant.name));
  gate.post("/signed-out", async (c) => {
    const response = await signedOutPage(c.var.tenant.name, true);
    // Only when asked for: it deletes OpenClaw's device key and the drafts that were not sent.
    response.headers.set("clear-site-data", '"cache", "storage"');
    return response;
  });
  gate.get("/healthz", (c) => c.text("ok", 200, { "cache-control": "no-store" }));
  gate.get("/readyz", async (c) => {
    // Strangers hear of the gateway only; development is on loopback, and waits for the agent.
    const known = c.var.cookie?.kind === "valid" || deps.config.development;
    if (!known) return c.text("ready", 200, { "cache-control": "no-store" });
    const { agent } = await deps.tenantObject(c.var.tenant.id, 0).readiness();
    const ready = agent === "connected";
    return c.text(ready ? "ready" : "away", ready ? 200 : 503, { "cache-control": "no-store" });
  });
  gate.get("/tunnel", tunnel(deps));
  gate.get("/agent.mjs", agentFile("agent.mjs", "text/javascript; charset=utf-8"));
  gate.get("/agent.json", agentFile("agent.json", "application/json"));
  gate.route("/device", deviceRoutes(deps));
  gate.route("/agent", agentRoutes(deps));
  gate.all("*", () => {
    throw new GatewayError("not_found");
  });
  return gate;
}
