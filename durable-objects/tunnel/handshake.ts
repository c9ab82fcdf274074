/** The mutual proof that opens every connection (SPEC.md section 2): challenge out, signed HELLO back. */
import { ASSERTION_SKEW_SECONDS } from "#protocol/limits.ts";
import { encodeJson } from "#protocol/bytes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import {
  challengeTranscript,
  encodeSigned,
  helloTranscript,
  type Challenge,
  type Hello,
  type SignedMessage,
} from "#protocol/messages.ts";
import type { AgentCall } from "../rpc.ts";
import { base64Url, fromBase64Url } from "../sessions/session-id.ts";

export function newChallenge(call: AgentCall, nowMs: number): Challenge {
  const random = (bytes: number) => base64Url(crypto.getRandomValues(new Uint8Array(bytes)));
  return {
    connection: random(16),
    nonce: random(32),
    tenant: call.tenant,
    host: call.host,
    agent: call.agent,
    time: Math.floor(nowMs / 1000),
  };
}

export async function signChallenge(key: CryptoKey, challenge: Challenge): Promise<Uint8Array<ArrayBuffer>> {
  const json = encodeJson(challenge);
  const signature = await crypto.subtle.sign("Ed25519", key, challengeTranscript(json));
  return encodeSigned("challenge", json, new Uint8Array(signature));
}

/** @throws {ProtocolError} bad_signature or stale_challenge; nothing has flowed by then */
export async function verifyHello(
  call: AgentCall,
  challenge: Challenge,
  hello: SignedMessage<Hello>,
  nowMs: number,
): Promise<void> {
  if (hello.value.connection !== challenge.connection || hello.value.nonce !== challenge.nonce) {
    throw new ProtocolError("bad_signature");
  }
  if (Math.abs(nowMs / 1000 - challenge.time) > ASSERTION_SKEW_SECONDS) throw new ProtocolError("stale_challenge");
  const raw = fromBase64Url(call.publicKey);
  if (raw === undefined || raw.byteLength !== 32) throw new ProtocolError("bad_signature");
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  // The challenge is encoded again from the attachment: same keys in the same order, same bytes.
  const transcript = helloTranscript(encodeJson(challenge), hello.json);
  const good = await crypto.subtle.verify("Ed25519", key, hello.signature, transcript);
  if (!good) throw new ProtocolError("bad_signature");
}
