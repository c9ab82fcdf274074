/**
 * OpenClaw's own word before a restart, said in its place when this process stops: its clients show "restarting" for it
 * instead of an error. Only to sockets that speak OpenClaw's protocol; its binary ones would break on it.
 */
import type { MessageKind } from "#protocol/frame.ts";

/** An agent is back within seconds, and the gateway holds new sockets meanwhile. */
const RESTART_EXPECTED_MS = 5_000;
const CHALLENGE = '{"type":"event","event":"connect.challenge"';

export const SHUTDOWN_NOTICE: Uint8Array = Buffer.from(
  JSON.stringify({
    type: "event",
    event: "shutdown",
    payload: { reason: "the assistant's connection restarts", restartExpectedMs: RESTART_EXPECTED_MS },
  }),
);

/** @param bytes the origin's first message */
export function speaksGatewayProtocol(kind: MessageKind, bytes: Uint8Array): boolean {
  return kind === "text" && Buffer.from(bytes.subarray(0, CHALLENGE.length)).toString() === CHALLENGE;
}
