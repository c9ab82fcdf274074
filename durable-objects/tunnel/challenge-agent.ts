/** Takes an agent's upgrade and asks it to prove itself; nothing else goes over the socket before it has (SPEC.md section 2). */
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { AgentCall } from "../rpc.ts";
import { socketsOf } from "../sockets.ts";
import type { AgentAttachment } from "./agent-attachment.ts";
import { deriveGatewayKey } from "./gateway-key.ts";
import { newChallenge, signChallenge } from "./handshake.ts";

export async function challengeAgent(
  ctx: DurableObjectState,
  storageKey: string,
  call: AgentCall,
  nowMs: number,
): Promise<Response> {
  const key = await deriveGatewayKey(storageKey, call.tenant);
  const challenge = newChallenge(call, nowMs);
  const message = await signChallenge(key, challenge);
  for (const socket of socketsOf(ctx, "agent")) {
    // One unproven connection at a time: a stranger with a valid assertion cannot pile them up.
    const attachment = socket.deserializeAttachment() as AgentAttachment;
    if (attachment.phase !== "challenged" || attachment.call.agent !== call.agent) continue;
    socket.close(1008, "another connection came");
  }
  const { 0: client, 1: server } = new WebSocketPair();
  ctx.acceptWebSocket(server, ["agent"]);
  server.serializeAttachment({ kind: "agent", phase: "challenged", call, challenge } satisfies AgentAttachment);
  server.send(message);
  const headers = { "sec-websocket-protocol": SUBPROTOCOL, "sec-websocket-extensions": "none" };
  return new Response(null, { status: 101, webSocket: client, headers });
}
