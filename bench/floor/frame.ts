/** The floor's wire: `u8 type | u32 stream | payload`, one frame per message. No credit, no batches, no resumption. */
export const FRAME = { open: 1, upgrade: 2, whole: 3, head: 4, data: 5, end: 6, text: 7, binary: 8, close: 9 } as const;

const EMPTY = new Uint8Array(0);

export function encodeFrame(type: number, stream: number, payload: Uint8Array = EMPTY): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5 + payload.byteLength);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, stream);
  frame.set(payload, 5);
  return frame;
}

export function decodeFrame(message: Uint8Array): { type: number; stream: number; payload: Uint8Array } {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return { type: message[0] ?? 0, stream: view.getUint32(1), payload: message.subarray(5) };
}

/** `u16 length | JSON head | body` */
export function encodeWhole(head: unknown, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const payload = new Uint8Array(2 + json.byteLength + body.byteLength);
  new DataView(payload.buffer).setUint16(0, json.byteLength);
  payload.set(json, 2);
  payload.set(body, 2 + json.byteLength);
  return payload;
}

export function decodeWhole<T>(payload: Uint8Array): { head: T; body: Uint8Array } {
  const length = new DataView(payload.buffer, payload.byteOffset).getUint16(0);
  const json = new TextDecoder().decode(payload.subarray(2, 2 + length));
  return { head: JSON.parse(json) as T, body: payload.subarray(2 + length) };
}
