/** The agent's upgrade: its assertion is verified here without I/O, so that strangers never reach an object (SPEC.md section 1). */
import { ASSERTION_SKEW_SECONDS } from "#protocol/limits.ts";
import { assertionTranscript } from "#protocol/messages.ts";
import { AGENT_SCHEME, SUBPROTOCOL } from "#protocol/version.ts";
import { AGENT_HEADER, SETTINGS_HEADER, type AgentCall } from "../../durable-objects/rpc.ts";
import type { AppContext, Deps } from "../context.ts";
import { fromBase64Url } from "../cookies/base64url.ts";
import { GatewayError } from "../problem.ts";

export function tunnel(deps: Deps) {
  return async function tunnel(c: AppContext): Promise<Response> {
    const offered = c.req.header("sec-websocket-protocol")?.split(",") ?? [];
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new GatewayError("not_found");
    if (!offered.some((name) => name.trim() === SUBPROTOCOL)) throw new GatewayError("agent_refused");
    const { host } = c.var.tenant.publicUrl;
    const agent = await verifyAssertion(c.req.header("authorization") ?? "", host, c.var.tenant.agentKeys, deps.now());
    if (agent === undefined) throw new GatewayError("agent_refused");
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
    return deps.tenantObject(c.var.tenant.id, 0).fetch(new Request(c.req.raw.url, { headers }));
  };
}

/** @returns the enrolled agent whose key signed this host and a time near ours, or undefined */
export async function verifyAssertion(
  authorization: string,
  host: string,
  keys: ReadonlyMap<string, string>,
  nowMs: number,
): Promise<{ agent: string; publicKey: string } | undefined> {
  const match = /^(\S+) ([A-Za-z0-9_-]{8,64})\.(\d{1,12})\.([A-Za-z0-9_-]{86})$/.exec(authorization);
  const [, scheme, agent = "", seconds = "0", signatureText = ""] = match ?? [];
  const publicKey = keys.get(agent);
  const signature = fromBase64Url(signatureText);
  if (scheme !== AGENT_SCHEME || publicKey === undefined || signature === undefined) return undefined;
  if (Math.abs(nowMs / 1000 - Number(seconds)) > ASSERTION_SKEW_SECONDS) return undefined;
  const raw = fromBase64Url(publicKey);
  if (raw?.byteLength !== 32) return undefined;
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  const good = await crypto.subtle.verify("Ed25519", key, signature, assertionTranscript(host, agent, Number(seconds)));
  return good ? { agent, publicKey } : undefined;
}
