/** Byte helpers shared by the codec's halves: big-endian, bounds checked by the caller. */
import { ProtocolError } from "./errors.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** @throws {ProtocolError} bad_json when the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw new ProtocolError("bad_json", { bytes: bytes.byteLength });
  }
}

export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value)) as Uint8Array<ArrayBuffer>;
}

/** @throws {ProtocolError} bad_json when the bytes are not a JSON object */
export function decodeJsonObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch {
    throw new ProtocolError("bad_json", { bytes: bytes.byteLength });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ProtocolError("bad_json");
  return value as Record<string, unknown>;
}

/** @returns one array holding all parts; one allocation, one copy each */
export function concatBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const all = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.byteLength;
  }
  return all;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
