import { expect, test } from "vitest";
import { decodeFrames, encodeFrame } from "#protocol/codec.ts";
import { FRAME_NUMBERS } from "#protocol/frame.ts";
import {
  type ConnectionMessage,
  decodeMessage,
  encodeAck,
  encodeBatch,
  encodeGoaway,
  encodeHello,
  encodeResumed,
  encodeSigned,
  encodeWelcome,
  MESSAGE_NUMBERS,
} from "#protocol/messages.ts";
import frameVectors from "../../vectors/frames.json" with { type: "json" };
import messageVectors from "../../vectors/messages.json" with { type: "json" };

const toBytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** In the vectors `{"hex": "…"}` stands for bytes. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if ("hex" in value && typeof value.hex === "string") return toBytes(value.hex);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, revive(field)]));
}

test.each(frameVectors.frames)("the bytes of $name mean what they always meant", ({ wire, frame }) => {
  const decoded = decodeFrames(toBytes(wire), 1);
  expect(decoded).toEqual([revive(frame)]);
  expect(decoded.map((one) => toHex(encodeFrame(one)))).toEqual([wire]);
});

test.each(messageVectors.messages)("the bytes of a $name mean what they always meant", ({ wire, message }) => {
  const decoded = decodeMessage(toBytes(wire));
  expect(decoded).toMatchObject(revive(message) as object);
  expect(toHex(encode(decoded))).toBe(wire);
});

test("every frame and every message has its vector", () => {
  const frames = new Set(frameVectors.frames.map(({ frame }) => frame.type));
  expect(Object.keys(FRAME_NUMBERS).filter((type) => !frames.has(type))).toEqual([]);
  const messages = new Set(messageVectors.messages.map(({ message }) => message.type));
  expect(Object.keys(MESSAGE_NUMBERS).filter((type) => !messages.has(type))).toEqual([]);
});

function encode(message: ConnectionMessage): Uint8Array {
  switch (message.type) {
    case "challenge":
      return encodeSigned("challenge", message.message.json, message.message.signature);
    case "hello":
      return encodeSigned("hello", encodeHello(message.message.value), message.message.signature);
    case "welcome":
      return encodeWelcome(message.value);
    case "resumed":
      return encodeResumed(message.value);
    case "ack":
      return encodeAck(message.ack);
    case "goaway":
      return encodeGoaway(message.deadlineMs, message.reason);
    case "batch":
      return encodeBatch(message.number, message.ack, decodeFrames(message.body, 10).map(encodeFrame));
  }
}
