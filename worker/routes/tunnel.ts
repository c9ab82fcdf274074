/** The agent's upgrade: its assertion is verified here without I/O, so that strangers never reach an object (SPEC.md section 1). */
import { AGENT_PASS_HEADER, SUBPROTOCOL } from "#protocol/version.ts";
import { AGENT_HEADER, SETTINGS_HEADER, type AgentCall } from "../../durable-objects/rpc.ts";
import type { AppContext, Deps } from "../context.ts";
import { GatewayError } from "../problem.ts";
import { proveUpgrade } from "../agents/agent-proof.ts";
import { SHARD } from "../session-lifecycle.ts";

export function tunnel(deps: Deps) {
  return async function tunnel(c: AppContext): Promise<Response> {
    const offered = c.req.header("sec-websocket-protocol")?.split(",") ?? [];
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new GatewayError("not_found");
    if (!offered.some((name) => name.trim() === SUBPROTOCOL)) throw new GatewayError("agent_refused");
    const { host } = c.var.tenant.publicUrl;
    const { passes } = deps.agents;
    const authorization = c.req.header("authorization") ?? "";
    const { stale, ...agent } = await proveUpgrade(passes, c.var.tenant, authorization, deps.now());
    const call: AgentCall = { tenant: c.var.tenant.id, ...agent, host };
    const headers = new Headers({
      [AGENT_HEADER]: JSON.stringify(call),
      [SETTINGS_HEADER]: c.var.tenant.call.settings,
    });
    for (const name of [
      "upgrade",
      "connection",
      "sec-websocket-key",
      "sec-websocket-version",
      "sec-websocket-protocol",
    ]) {
      const value = c.req.header(name);
      if (value !== undefined) headers.set(name, value);
    }
    const response = await deps.tenantObject(c.var.tenant.id, SHARD).fetch(new Request(c.req.raw.url, { headers }));
    if (!stale || response.webSocket === null) return response;
    // Made by a secret that is on its way out: the agent keeps this one instead.
    const renewed = new Headers(response.headers);
    renewed.set(AGENT_PASS_HEADER, await passes.make(c.var.tenant.id, agent.agent, agent.publicKey));
    return new Response(null, { status: 101, headers: renewed, webSocket: response.webSocket });
  };
}
