/** The unnumbered messages of a connection and the batch's header (SPEC.md sections 2 and 3). */
import { concatBytes, decodeJsonObject, encodeJson, encodeUtf8, viewOf } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { integer, matching, text } from "./heads.ts";
import { MAX_BATCH_BYTES, MAX_HEAD_BYTES, MAX_STREAMS } from "./limits.ts";

export const MESSAGE_NUMBERS = {
  challenge: 1,
  hello: 2,
  welcome: 3,
  resumed: 4,
  ack: 7,
  goaway: 8,
  batch: 16,
} as const;
export const BATCH_HEADER_BYTES = 16;
const SIGNATURE_BYTES = 64;

export interface Challenge {
  connection: string;
  nonce: string;
  tenant: string;
  host: string;
  agent: string;
  /** Seconds since the epoch, by the object's clock. */
  time: number;
}

export interface Hello {
  boot: number;
  attempt: number;
  version: string;
  /** The connection of the challenge that this answers. */
  connection: string;
  nonce: string;
  /** The link to go on with, and the last batch of it that the agent applied; null asks for a new one. */
  resume: { link: string; received: number } | null;
}

export interface Welcome {
  link: string;
}

/** The old link goes on (SPEC.md section 3). */
export interface Resumed {
  /** Last batch that the object applied. */
  received: number;
  /** Number of the batch that it will send next; those between that and HELLO's are lost. */
  next: number;
  /** Streams that are still open at the object; every other one is over. */
  live: number[];
}

/** A message that carries a signature: `u8 type | 64 bytes Ed25519 | JSON`. `signed` is what the signature covers. */
export interface SignedMessage<T> {
  value: T;
  signature: Uint8Array;
  json: Uint8Array;
}

export type ConnectionMessage =
  | { type: "challenge"; message: SignedMessage<Challenge> }
  | { type: "hello"; message: SignedMessage<Hello> }
  | { type: "welcome"; value: Welcome }
  | { type: "resumed"; value: Resumed }
  | { type: "ack"; ack: number }
  | { type: "goaway"; deadlineMs: number; reason: string }
  | { type: "batch"; number: number; ack: number; body: Uint8Array };

/** @returns what the tenant's gateway key signs: the challenge, bound to its purpose */
export function challengeTranscript(challengeJson: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(encodeUtf8("tidegate.v1 gateway challenge\n"), challengeJson);
}

/** @returns what the agent's key signs: the whole exchange so far, so that no part can be swapped or replayed */
export function helloTranscript(challengeJson: Uint8Array, helloJson: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(encodeUtf8("tidegate.v1 agent proof\n"), challengeJson, encodeUtf8("\n"), helloJson);
}

/**
 * @param agent the agent's id, or the public key itself while it asks to be enrolled
 * @param bodyDigest SHA-256 of the body, base64url
 * @returns what a key signs for an HTTP call of its agent (SPEC.md section 12)
 */
export function callTranscript(
  call: { host: string; agent: string; seconds: number; method: string; path: string },
  bodyDigest: string,
): Uint8Array<ArrayBuffer> {
  const { host, agent, seconds, method, path } = call;
  return encodeUtf8(`tidegate.v1 agent call\n${host}\n${agent}\n${seconds}\n${method} ${path}\n${bodyDigest}`);
}

/** @returns what a new key signs to take the place of an agent's former one (SPEC.md section 12) */
export function successionTranscript(host: string, agent: string, publicKey: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`tidegate.v1 agent key\n${host}\n${agent}\n${publicKey}`);
}

/** @returns what the agent signs for its upgrade's `Authorization` header (SPEC.md section 1) */
export function assertionTranscript(host: string, agent: string, seconds: number): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`tidegate.v1 agent assertion\n${host}\n${agent}\n${seconds}`);
}

export function encodeSigned(
  type: "challenge" | "hello",
  json: Uint8Array,
  signature: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(MESSAGE_NUMBERS[type]), signature, json);
}

export function encodeWelcome(welcome: Welcome): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(MESSAGE_NUMBERS.welcome), encodeJson(welcome));
}

/** @returns HELLO's JSON bytes, which its signature covers */
export function encodeHello(hello: Hello): Uint8Array<ArrayBuffer> {
  const { resume, ...rest } = hello;
  return encodeJson(resume === null ? rest : { ...rest, link: resume.link, received: resume.received });
}

/** @returns `u8 type | u32 received | u32 next | u32 stream …` */
export function encodeResumed({ received, next, live }: Resumed): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(9 + 4 * live.length);
  const view = viewOf(bytes);
  bytes[0] = MESSAGE_NUMBERS.resumed;
  view.setUint32(1, received);
  view.setUint32(5, next);
  for (const [at, stream] of live.entries()) view.setUint32(9 + 4 * at, stream);
  return bytes;
}

export function encodeGoaway(deadlineMs: number, reason: string): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(MESSAGE_NUMBERS.goaway), encodeJson({ deadlineMs, reason }));
}

export function encodeAck(ack: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5);
  bytes[0] = MESSAGE_NUMBERS.ack;
  viewOf(bytes).setUint32(1, ack);
  return bytes;
}

/** @returns `u8 type | u8 codec | u8 flags | u8 0 | u32 number | u32 ack | u32 rawBytes | frames` */
export function encodeBatch(number: number, ack: number, frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BATCH_HEADER_BYTES);
  const view = viewOf(header);
  let rawBytes = 0;
  for (const frame of frames) rawBytes += frame.byteLength;
  header[0] = MESSAGE_NUMBERS.batch;
  view.setUint32(4, number);
  view.setUint32(8, ack);
  view.setUint32(12, rawBytes);
  return concatBytes(header, ...frames);
}

/** Brings a batch that is sent again up to date: an older acknowledgement would be a step back. */
export function updateBatchAck(message: Uint8Array, ack: number): void {
  viewOf(message).setUint32(8, ack);
}

/** @throws {ProtocolError} on anything that SPEC.md does not name */
export function decodeMessage(message: Uint8Array): ConnectionMessage {
  switch (message[0]) {
    case undefined:
      throw new ProtocolError("message_too_short");
    case MESSAGE_NUMBERS.batch:
      return decodeBatch(message);
    case MESSAGE_NUMBERS.ack:
      if (message.byteLength !== 5) throw new ProtocolError("bad_frame_length");
      return { type: "ack", ack: viewOf(message).getUint32(1) };
    case MESSAGE_NUMBERS.challenge:
      return { type: "challenge", message: decodeSigned(message, parseChallenge) };
    case MESSAGE_NUMBERS.hello:
      return { type: "hello", message: decodeSigned(message, parseHello) };
    case MESSAGE_NUMBERS.welcome:
      return { type: "welcome", value: { link: matching(jsonAfter(message, 1), "link", OPAQUE) } };
    case MESSAGE_NUMBERS.resumed:
      return { type: "resumed", value: decodeResumed(message) };
    case MESSAGE_NUMBERS.goaway: {
      const json = jsonAfter(message, 1);
      return { type: "goaway", deadlineMs: integer(json, "deadlineMs"), reason: text(json, "reason", 64) };
    }
    default:
      throw new ProtocolError("bad_message_type");
  }
}

const OPAQUE = /^[A-Za-z0-9_-]{8,64}$/;

function parseChallenge(json: Record<string, unknown>): Challenge {
  return {
    connection: matching(json, "connection", OPAQUE),
    nonce: matching(json, "nonce", OPAQUE),
    tenant: matching(json, "tenant", /^[a-z0-9-]{1,63}$/),
    host: text(json, "host", 255),
    agent: matching(json, "agent", OPAQUE),
    time: integer(json, "time"),
  };
}

function parseHello(json: Record<string, unknown>): Hello {
  return {
    boot: integer(json, "boot"),
    attempt: integer(json, "attempt"),
    version: matching(json, "version", /^[0-9A-Za-z.+-]{1,64}$/),
    connection: matching(json, "connection", OPAQUE),
    nonce: matching(json, "nonce", OPAQUE),
    resume: parseResume(json),
  };
}

function parseResume(json: Record<string, unknown>): Hello["resume"] {
  if (json["link"] === undefined && json["received"] === undefined) return null;
  const received = integer(json, "received");
  if (received > 0xffffffff) throw new ProtocolError("bad_field", { field: "received" });
  return { link: matching(json, "link", OPAQUE), received };
}

function decodeResumed(message: Uint8Array): Resumed {
  const streams = (message.byteLength - 9) / 4;
  if (!Number.isInteger(streams) || streams < 0) throw new ProtocolError("bad_frame_length");
  if (streams > MAX_STREAMS) throw new ProtocolError("too_many_streams", { streams });
  const view = viewOf(message);
  const live = Array.from({ length: streams }, (_, at) => view.getUint32(9 + 4 * at));
  return { received: view.getUint32(1), next: view.getUint32(5), live };
}

function decodeSigned<T>(message: Uint8Array, parse: (json: Record<string, unknown>) => T): SignedMessage<T> {
  if (message.byteLength < 1 + SIGNATURE_BYTES + 2) throw new ProtocolError("message_too_short");
  const json = message.subarray(1 + SIGNATURE_BYTES);
  if (json.byteLength > MAX_HEAD_BYTES) throw new ProtocolError("message_too_large");
  return { value: parse(decodeJsonObject(json)), signature: message.subarray(1, 1 + SIGNATURE_BYTES), json };
}

function decodeBatch(message: Uint8Array): ConnectionMessage {
  if (message.byteLength < BATCH_HEADER_BYTES) throw new ProtocolError("message_too_short");
  const view = viewOf(message);
  if (message[1] !== 0) throw new ProtocolError("bad_codec", { codec: message[1] ?? 0 });
  const body = message.subarray(BATCH_HEADER_BYTES);
  if (body.byteLength > MAX_BATCH_BYTES) throw new ProtocolError("message_too_large", { bytes: body.byteLength });
  if (view.getUint32(12) !== body.byteLength || body.byteLength === 0) throw new ProtocolError("bad_frame_length");
  return { type: "batch", number: view.getUint32(4), ack: view.getUint32(8), body };
}

function jsonAfter(message: Uint8Array, offset: number): Record<string, unknown> {
  if (message.byteLength > MAX_HEAD_BYTES) throw new ProtocolError("message_too_large");
  return decodeJsonObject(message.subarray(offset));
}
