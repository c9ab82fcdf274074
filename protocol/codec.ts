/**
 * Frames to bytes and back (SPEC.md section 5): `u8 type | u32 stream | u32 length | payload`, big-endian.
 * Decoding hands out views on the message, never copies: whoever keeps bytes past the event copies them.
 */
import { concatBytes, decodeJsonObject, decodeUtf8, encodeJson, encodeUtf8, viewOf } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { FRAME_NUMBERS, type Frame, type FrameType, type MessageKind } from "./frame.ts";
import { integer, matching, parseDenied, parseOpenHead, parsePerson, parseResponseHead } from "./heads.ts";
import {
  MAX_CHUNK_BYTES,
  MAX_CLOSE_REASON_BYTES,
  MAX_CREDIT_BYTES,
  MAX_HEAD_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_REFUSAL_BYTES,
  MAX_ROSTER_BYTES,
  MAX_WHOLE_MESSAGE_BYTES,
} from "./limits.ts";

export const FRAME_HEADER_BYTES = 9;

const NAMES = new Map(Object.entries(FRAME_NUMBERS).map(([name, number]) => [number, name as FrameType]));
const CONNECTION_FRAMES: ReadonlySet<FrameType> = new Set<FrameType>(["roster", "identity", "forget", "written"]);

/** @returns the frame's bytes, header included */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const payload = encodePayload(frame);
  let length = 0;
  for (const part of payload) length += part.byteLength;
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = viewOf(header);
  header[0] = FRAME_NUMBERS[frame.type];
  view.setUint32(1, frame.stream);
  view.setUint32(5, length);
  return concatBytes(header, ...payload);
}

/** @returns every frame of a batch's body, in order @throws {ProtocolError} on the first breach */
export function decodeFrames(body: Uint8Array, maxFrames: number): Frame[] {
  const frames: Frame[] = [];
  const view = viewOf(body);
  let offset = 0;
  while (offset < body.byteLength) {
    if (frames.length === maxFrames) throw new ProtocolError("too_many_frames", { frames: maxFrames });
    if (body.byteLength - offset < FRAME_HEADER_BYTES) throw new ProtocolError("message_too_short");
    const type = NAMES.get(view.getUint8(offset));
    const stream = view.getUint32(offset + 1);
    const length = view.getUint32(offset + 5);
    offset += FRAME_HEADER_BYTES;
    if (type === undefined) throw new ProtocolError("bad_frame_type");
    if (length > body.byteLength - offset) throw new ProtocolError("bad_frame_length", { bytes: length });
    if ((stream === 0) !== CONNECTION_FRAMES.has(type)) throw new ProtocolError("bad_stream_id", { stream });
    frames.push(decodePayload(type, stream, body.subarray(offset, offset + length)));
    offset += length;
  }
  return frames;
}

function encodePayload(frame: Frame): Uint8Array[] {
  switch (frame.type) {
    case "open":
      return [encodeJson(frame.head)];
    case "head":
      return [Uint8Array.of(frame.end ? 1 : 0), ...withJson(frame.head), frame.body];
    case "refused":
      return [...withJson(frame.head), frame.body];
    case "data":
    case "text":
    case "binary":
      return [frame.bytes];
    case "end":
    case "taken":
      return [];
    case "accepted":
      return [encodeJson({ protocol: frame.protocol })];
    case "offer":
      return [Uint8Array.of(kindNumber(frame.kind)), u32(frame.bytes)];
    case "take":
      return [u32(frame.attempt)];
    case "part":
      return [u32(frame.attempt), u32(frame.offset), frame.bytes];
    case "piece":
      return [Uint8Array.of(kindNumber(frame.kind)), u32(frame.total), u32(frame.offset), frame.bytes];
    case "close":
      return [Uint8Array.of(frame.code >> 8, frame.code & 0xff), encodeUtf8(frame.reason)];
    case "reset":
      return [Uint8Array.of(frame.code)];
    case "credit":
      return [u32(frame.bytes)];
    case "denied":
      return [encodeJson({ reason: frame.reason, method: frame.method, count: frame.count })];
    case "roster":
      return [encodeJson({ version: frame.version, people: frame.people })];
    case "identity":
      return [encodeJson({ version: frame.version, person: frame.person })];
    case "forget":
      return [encodeJson({ version: frame.version, person: frame.person })];
    case "written":
      return [encodeJson({ version: frame.version, result: frame.result })];
  }
}

function decodePayload(type: FrameType, stream: number, payload: Uint8Array): Frame {
  switch (type) {
    case "open":
      return { type, stream, head: parseOpenHead(decodeJsonObject(atMost(payload, MAX_HEAD_BYTES))) };
    case "head": {
      const end = readU8(payload, 0);
      if (end > 1) throw new ProtocolError("bad_field", { field: "end" });
      const { json, rest } = readJson(payload.subarray(1));
      return { type, stream, head: parseResponseHead(json), body: atMost(rest, MAX_CHUNK_BYTES), end: end === 1 };
    }
    case "refused": {
      const { json, rest } = readJson(payload);
      return { type, stream, head: parseResponseHead(json), body: atMost(rest, MAX_REFUSAL_BYTES) };
    }
    case "data":
      return { type, stream, bytes: atMost(payload, MAX_CHUNK_BYTES) };
    case "text":
    case "binary":
      return { type, stream, bytes: atMost(payload, MAX_WHOLE_MESSAGE_BYTES) };
    case "end":
    case "taken":
      atMost(payload, 0);
      return { type, stream };
    case "accepted": {
      const json = decodeJsonObject(atMost(payload, MAX_HEAD_BYTES));
      return { type, stream, protocol: matching(json, "protocol", /^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,128}$/) };
    }
    case "offer":
      return { type, stream, kind: readKind(payload), bytes: messageSize(readU32(payload, 1)) };
    case "take":
      return { type, stream, attempt: readU32(payload, 0) };
    case "part": {
      const bytes = atMost(payload.subarray(8), MAX_CHUNK_BYTES);
      return { type, stream, attempt: readU32(payload, 0), offset: readU32(payload, 4), bytes };
    }
    case "piece": {
      const total = messageSize(readU32(payload, 1));
      const bytes = atMost(payload.subarray(9), MAX_CHUNK_BYTES);
      return { type, stream, kind: readKind(payload), total, offset: readU32(payload, 5), bytes };
    }
    case "close": {
      const code = (readU8(payload, 0) << 8) | readU8(payload, 1);
      return { type, stream, code, reason: decodeUtf8(atMost(payload.subarray(2), MAX_CLOSE_REASON_BYTES)) };
    }
    case "reset":
      return { type, stream, code: readU8(payload, 0) };
    case "credit": {
      const bytes = readU32(payload, 0);
      if (bytes === 0 || bytes > MAX_CREDIT_BYTES) throw new ProtocolError("bad_field", { field: "credit" });
      return { type, stream, bytes };
    }
    case "denied":
      return { type, stream, ...parseDenied(decodeJsonObject(atMost(payload, MAX_HEAD_BYTES))) };
    case "roster": {
      const json = decodeJsonObject(atMost(payload, MAX_ROSTER_BYTES));
      const people = json["people"];
      if (!Array.isArray(people)) throw new ProtocolError("bad_field", { field: "people" });
      return { type, stream: 0, version: integer(json, "version"), people: people.map(parsePerson) };
    }
    case "identity": {
      const json = decodeJsonObject(atMost(payload, MAX_HEAD_BYTES));
      return { type, stream: 0, version: integer(json, "version"), person: parsePerson(json["person"]) };
    }
    case "forget": {
      const json = decodeJsonObject(atMost(payload, MAX_HEAD_BYTES));
      return {
        type,
        stream: 0,
        version: integer(json, "version"),
        person: matching(json, "person", /^[A-Za-z0-9_-]{1,64}$/),
      };
    }
    case "written": {
      const json = decodeJsonObject(atMost(payload, MAX_HEAD_BYTES));
      const result = json["result"];
      if (result !== "ok" && result !== "unwritable") throw new ProtocolError("bad_field", { field: "result" });
      return { type, stream: 0, version: integer(json, "version"), result };
    }
  }
}

function withJson(value: unknown): [Uint8Array, Uint8Array] {
  const json = encodeJson(value);
  return [u32(json.byteLength), json];
}

function readJson(bytes: Uint8Array): { json: Record<string, unknown>; rest: Uint8Array } {
  const length = readU32(bytes, 0);
  if (length > MAX_HEAD_BYTES || length > bytes.byteLength - 4) {
    throw new ProtocolError("bad_frame_length", { bytes: length });
  }
  return { json: decodeJsonObject(bytes.subarray(4, 4 + length)), rest: bytes.subarray(4 + length) };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

function readU32(bytes: Uint8Array, offset: number): number {
  if (bytes.byteLength < offset + 4) throw new ProtocolError("message_too_short");
  return viewOf(bytes).getUint32(offset);
}

function readU8(bytes: Uint8Array, offset: number): number {
  const value = bytes[offset];
  if (value === undefined) throw new ProtocolError("message_too_short");
  return value;
}

function kindNumber(kind: MessageKind): number {
  return kind === "text" ? 1 : 2;
}

function readKind(payload: Uint8Array): MessageKind {
  const kind = readU8(payload, 0);
  if (kind !== 1 && kind !== 2) throw new ProtocolError("bad_field", { field: "kind" });
  return kind === 1 ? "text" : "binary";
}

function messageSize(bytes: number): number {
  if (bytes > MAX_MESSAGE_BYTES) throw new ProtocolError("message_too_large", { bytes });
  return bytes;
}

function atMost(bytes: Uint8Array, limitBytes: number): Uint8Array {
  if (bytes.byteLength > limitBytes) throw new ProtocolError("bad_chunk", { bytes: bytes.byteLength });
  return bytes;
}
