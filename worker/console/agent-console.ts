/** What administrators do about agents, on pages and by the API. What may be done is decided at the object. */
import type { Hono } from "hono";
import * as v from "valibot";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { page } from "../pages/page.ts";
import { html } from "hono/html";
import { GatewayError } from "../problem.ts";
import type { EnrolmentRequest } from "../agents/enrolment-request.ts";
import { requireActing, requireActor, valueOf } from "./acting.ts";
import { agentsPage, approvalPage, decidedPage, enrolmentTokenPage } from "./agent-pages.ts";
import { parse } from "./parse.ts";

const AgentId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/));
const Decision = v.object({
  request: v.pipe(v.string(), v.maxLength(2_048)),
  decision: v.picklist(["approve", "deny"]),
});
const Renaming = v.strictObject({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(64), v.regex(/^[^\p{C}]*$/u)),
});

export function addAgentPages(routes: Hono<AppEnv>, deps: Deps): void {
  routes.get("/device", async (c) => {
    const sealed = c.req.query("request") ?? "";
    const request = await openRequest(deps, c, sealed);
    if ((await requireActor(deps, c)).role !== "admin") throw new GatewayError("admins_only");
    return approvalPage(c.var.tenant, request, sealed);
  });
  routes.post("/device", async (c) => {
    const { request: sealed, decision } = parse(Decision, await c.req.parseBody());
    const offer = await openRequest(deps, c, sealed);
    const { object, session } = await requireActing(deps, c);
    const { call, name } = c.var.tenant;
    const { publicKey, name: computer } = offer;
    const decided = await object.decideEnrolment(call, session, { publicKey, name: computer }, decision);
    if (!decided.ok && decided.code === "not_fresh") return signInAgainPage(name, sealed);
    valueOf(decided);
    return decidedPage(name, decision);
  });
  routes.get("/agents", async (c) => {
    const { object, session } = await requireActing(deps, c);
    const { call, name, agentKeys } = c.var.tenant;
    const listed = valueOf(await object.listAgents(call, session));
    return agentsPage(name, await requireActor(deps, c), listed, [...agentKeys.keys()]);
  });
  routes.post("/agents/token", async (c) => {
    const { token, expiresAt } = await makeToken(deps, c);
    return enrolmentTokenPage(c.var.tenant.name, token, expiresAt);
  });
  routes.post("/agents/:agent/revoke", async (c) => {
    await revoke(deps, c);
    return c.redirect("/agents", 303);
  });
}

export function addAgentApi(api: Hono<AppEnv>, deps: Deps): void {
  api.get("/agents", async (c) => {
    const { object, session } = await requireActing(deps, c);
    const items = valueOf(await object.listAgents(c.var.tenant.call, session));
    return c.json({ items, configured: [...c.var.tenant.agentKeys.keys()] });
  });
  api.post("/agents/tokens", async (c) => c.json(await makeToken(deps, c)));
  api.patch("/agents/:agent", async (c) => {
    const agent = parse(AgentId, c.req.param("agent"));
    const { name } = parse(Renaming, await c.req.json().catch(() => undefined));
    const { object, session } = await requireActing(deps, c);
    valueOf(await object.renameAgent(c.var.tenant.call, session, agent, name));
    return c.json({});
  });
  api.delete("/agents/:agent", async (c) => {
    await revoke(deps, c);
    return c.json({});
  });
}

async function openRequest(deps: Deps, c: AppContext, sealed: string): Promise<EnrolmentRequest> {
  const request = await deps.agents.requests.open(c.var.tenant.id, sealed, deps.now());
  if (request === undefined) throw new GatewayError("enrolment_expired");
  return request;
}

async function makeToken(deps: Deps, c: AppContext): Promise<{ token: string; expiresAt: number }> {
  const { object, session } = await requireActing(deps, c);
  const { call, id } = c.var.tenant;
  const made = valueOf(await object.startEnrolmentToken(call, session));
  return { token: await deps.agents.tokens.seal(id, made), expiresAt: made.expiresAt };
}

async function revoke(deps: Deps, c: AppContext): Promise<void> {
  const agent = parse(AgentId, c.req.param("agent"));
  const { object, session } = await requireActing(deps, c);
  valueOf(await object.revokeAgent(c.var.tenant.call, session, agent));
}

/** By way of the provider, which is told to ask who it is. */
function signInAgainPage(tenant: string, sealed: string): Promise<Response> {
  const next = `/device?request=${sealed}`;
  const href = `${GATE_PREFIX}/login?${new URLSearchParams({ prompt: "login", next })}`;
  const body = html`<p>Letting a computer in needs a sign-in of the last fifteen minutes.</p>
    <p class="actions"><a class="button primary" href="${href}">Sign in again</a></p>`;
  return page(403, { title: "Please sign in again", tenant }, body);
}
