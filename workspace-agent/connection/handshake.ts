/** The mutual proof (SPEC.md section 2), as pure steps: what the agent says, and what it accepts. */
import { ProtocolError } from "#protocol/errors.ts";
import { ASSERTION_SKEW_SECONDS } from "#protocol/limits.ts";
import {
  assertionTranscript,
  type Challenge,
  challengeTranscript,
  encodeHello,
  encodeSigned,
  type Hello,
  helloTranscript,
  type SignedMessage,
} from "#protocol/messages.ts";
import { AGENT_SCHEME, VERSION } from "#protocol/version.ts";
import type { AgentKey, GatewayKey } from "../agent-key.ts";

/** What this agent knows of itself and of the gateway it enrolled with. */
export interface AgentIdentity {
  agentId: string;
  tenant: string;
  url: URL;
  gatewayKey: GatewayKey;
  key: AgentKey;
  /** The gateway's word that this key is enrolled; null for a key of the tenant document. */
  pass: string | null;
}

/** @returns the `Authorization` value of the upgrade: drops strangers early, proves nothing about freshness */
export function assertion(identity: AgentIdentity, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const signature = identity.key.sign(assertionTranscript(identity.url.host, identity.agentId, seconds));
  const pass = identity.pass === null ? "" : `.${identity.pass}`;
  return `${AGENT_SCHEME} ${identity.agentId}.${seconds}.${Buffer.from(signature).toString("base64url")}${pass}`;
}

/**
 * @throws {ProtocolError} bad_signature unless the pinned gateway key signed it; bad_field when it is for another
 * tenant, host or agent (a relayed challenge); stale_challenge when its time is off
 */
export function checkChallenge(message: SignedMessage<Challenge>, identity: AgentIdentity, nowMs: number): void {
  if (!identity.gatewayKey.verifies(challengeTranscript(message.json), message.signature)) {
    throw new ProtocolError("bad_signature");
  }
  const { tenant, host, agent, time } = message.value;
  if (tenant !== identity.tenant) throw new ProtocolError("bad_field", { field: "tenant" });
  if (host !== identity.url.host) throw new ProtocolError("bad_field", { field: "host" });
  if (agent !== identity.agentId) throw new ProtocolError("bad_field", { field: "agent" });
  if (Math.abs(nowMs / 1000 - time) > ASSERTION_SKEW_SECONDS) throw new ProtocolError("stale_challenge", { time });
}

/** @returns the HELLO that answers a challenge which passed {@link checkChallenge} */
export function hello(
  message: SignedMessage<Challenge>,
  key: AgentKey,
  boot: number,
  attempt: number,
  resume: Hello["resume"],
): Uint8Array<ArrayBuffer> {
  const { connection, nonce } = message.value;
  const json = encodeHello({ boot, attempt, version: VERSION, connection, nonce, resume });
  return encodeSigned("hello", json, key.sign(helloTranscript(message.json, json)));
}
