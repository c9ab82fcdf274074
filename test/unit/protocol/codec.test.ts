import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFrames, encodeFrame } from "#protocol/codec.ts";
import { ProtocolError } from "#protocol/errors.ts";
import { FRAME_NUMBERS, type Frame, type OpenHead } from "#protocol/frame.ts";
import { decodeMessage, encodeAck, encodeBatch, encodeWelcome } from "#protocol/messages.ts";

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

const head: OpenHead = {
  kind: "http",
  method: "GET",
  target: "/chat/main?x=1",
  routeClass: "ui",
  headers: [["accept", "*/*"]],
  person: "abcDEF_-123",
  version: 3,
  user: "alice@example.com",
  role: "viewer",
  scopes: ["operator.read"],
  clientAddress: "192.0.2.1",
  scheme: "https",
  host: "claw.example.com",
  body: false,
  credit: 262_144,
};

const golden: [name: string, wire: string, frame: Frame][] = [
  ["data", "0300000007000000026869", { type: "data", stream: 7, bytes: bytes("6869") }],
  ["end", "040000000700000000", { type: "end", stream: 7 }],
  ["text", "07ffffffff0000000141", { type: "text", stream: 0xffffffff, bytes: bytes("41") }],
  ["offer", "09000000020000000501019000" + "00", { type: "offer", stream: 2, kind: "text", bytes: 0x01900000 }],
  ["take", "0a000000020000000400000003", { type: "take", stream: 2, attempt: 3 }],
  [
    "part",
    "0b00000002000000090000000300010000ff",
    { type: "part", stream: 2, attempt: 3, offset: 65536, bytes: bytes("ff") },
  ],
  ["taken", "0c0000000200000000", { type: "taken", stream: 2 }],
  ["close", "0e00000002000000050fa1627965", { type: "close", stream: 2, code: 4001, reason: "bye" }],
  ["reset", "0f000000020000000101", { type: "reset", stream: 2, code: 1 }],
  ["credit", "10000000020000000400040000", { type: "credit", stream: 2, bytes: 262144 }],
];

describe("a frame", () => {
  test.each(golden)("%s has its golden bytes", (_name, wire, frame) => {
    expect(hex(encodeFrame(frame))).toBe(wire);
    expect(decodeFrames(bytes(wire), 10)).toEqual([frame]);
  });

  test("OPEN carries its head unchanged", () => {
    const frame: Frame = { type: "open", stream: 1, head };
    expect(decodeFrames(encodeFrame(frame), 1)).toEqual([frame]);
  });

  const hostile: [name: string, wire: string, code: string][] = [
    ["no header", "03000000", "message_too_short"],
    ["unknown type", "630000000100000000", "bad_frame_type"],
    ["length past the end", "030000000100000002ff", "bad_frame_length"],
    ["stream 0 for data", "030000000000000000", "bad_stream_id"],
    ["a stream id for a roster", "1100000001000000027b7d", "bad_stream_id"],
    ["credit of nothing", "10000000020000000400000000", "bad_field"],
    ["credit above the bound", "100000000200000004ffffffff", "bad_field"],
    ["offer above 25 MiB", "0900000002000000050101900001", "message_too_large"],
    ["offer of no kind", "0900000002000000050900000001", "bad_field"],
    ["end with a payload", "040000000700000001aa", "bad_chunk"],
    ["close cut in its code", "0e00000002000000010f", "message_too_short"],
    ["close with bad UTF-8", "0e00000002000000030fa1ff", "bad_json"],
    ["open that is no JSON", "0100000001000000026869", "bad_json"],
    ["open that is an array", "0100000001000000025b5d", "bad_json"],
  ];
  test.each(hostile)("with %s is refused", (_name, wire, code) => {
    expect(() => decodeFrames(bytes(wire), 10)).toThrowError(expect.objectContaining({ code }));
  });

  test.each([
    ["target", "//x/tools/invoke"],
    ["target", "/a b"],
    ["method", "get"],
    ["user", "Alice@example.com"],
    ["user", "alice@example.com, evil@x"],
    ["scopes", []],
    ["scopes", ["operator.read\r\nx: y"]],
    ["clientAddress", "192.0.2.1, 127.0.0.1"],
    ["host", "a b"],
    ["scheme", "ftp"],
    ["routeClass", "everything"],
    ["person", ""],
    ["version", -1],
    ["headers", [["a b", "c"]]],
    ["headers", [["a", "b\r\nx-forwarded-user: evil"]]],
    ["headers", [["a"]]],
  ])("OPEN with a hostile %s is refused", (field, value) => {
    const wire = encodeFrame({ type: "open", stream: 1, head: { ...head, [field]: value } as OpenHead });
    expect(() => decodeFrames(wire, 1)).toThrowError(expect.objectContaining({ code: "bad_field" }));
  });

  test.each([199, 101, 600, 0, 1000])("HEAD with status %d is refused", (status) => {
    const wire = encodeFrame({ type: "head", stream: 1, head: { status, headers: [] }, body: bytes(""), end: true });
    expect(() => decodeFrames(wire, 1)).toThrowError(expect.objectContaining({ code: "bad_field" }));
  });
});

test("frame numbers are never reused", () => {
  const numbers = Object.values(FRAME_NUMBERS);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test("arbitrary bytes give frames or a coded error, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      try {
        decodeMessage(data);
        decodeFrames(data, 100);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 20_000 },
  );
});

test("a batch with one byte changed gives frames or a coded error", () => {
  const frames = golden.map(([, , frame]) => encodeFrame(frame));
  const batch = encodeBatch(1, 0, [...frames, encodeFrame({ type: "open", stream: 1, head })]);
  fc.assert(
    fc.property(fc.nat(batch.byteLength - 1), fc.nat(255), (at, value) => {
      const changed = batch.slice();
      changed[at] = value;
      try {
        const message = decodeMessage(changed);
        if (message.type === "batch") decodeFrames(message.body, 100);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 20_000 },
  );
});

describe("a message", () => {
  test.each<[string, Uint8Array, object]>([
    ["ack", encodeAck(7), { type: "ack", ack: 7 }],
    ["welcome", encodeWelcome({ link: "abcdefgh12345678" }), { type: "welcome", value: { link: "abcdefgh12345678" } }],
  ])("%s comes back as it went", (_name, wire, message) => expect(decodeMessage(wire)).toEqual(message));

  test.each<[string, string, string]>([
    ["nothing", "", "message_too_short"],
    ["an unknown type", "ff", "bad_message_type"],
    ["an ack that is too long", "070000000100", "bad_frame_length"],
    ["a batch with another codec", "10010000000000010000000000000001ff", "bad_codec"],
    ["a batch that lies about its size", "10000000000000010000000000000002ff", "bad_frame_length"],
    ["an empty batch", "10000000000000010000000000000000", "bad_frame_length"],
  ])("of %s is refused", (_name, wire, code) => {
    expect(() => decodeMessage(bytes(wire))).toThrowError(expect.objectContaining({ code }));
  });
});
