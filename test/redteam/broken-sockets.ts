/** T17: WebSocket frames that no server should send, to the browser of somebody who is signed in. */
import type { Socket } from "node:net";
import WebSocket from "ws";
import { flood } from "./ask-hostile.ts";
import type { Attempt } from "./attempt.ts";
import { lookAround, UNAFFECTED } from "./neighbours.ts";
import type { World } from "./world.ts";

const bytes = (hex: string, text = "") =>
  Buffer.concat([Buffer.from(hex.replaceAll(" ", ""), "hex"), Buffer.from(text)]);
/** A message as it should be. */
const HELLO = bytes("8105", "hello");
const MIB = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 200;

/** Breaches after which there is nothing to understand any more: the connection to OpenClaw is over. */
const BROKEN: [name: string, frames: Buffer][] = [
  ["text that is no UTF-8", bytes("81 02 c3 28")],
  ["text whose UTF-8 is cut off", bytes("81 01 c3")],
  ["a reserved bit", bytes("c1 05", "hello")],
  ["a reserved kind of frame", bytes("83 00")],
  ["a masked frame", bytes("81 82 01020304 6968")],
  ["a continuation of nothing", bytes("80 05", "hello")],
  ["a message inside of another", bytes("01 01 61 81 01 62")],
  ["a ping in pieces", bytes("09 00")],
  ["a ping of 126 bytes", bytes("89 7e 007e", "x".repeat(126))],
  ["a close of one byte", bytes("88 01 03")],
  ["a frame of 2^63 bytes", bytes("82 7f ffffffffffffffff")],
  ["a frame of 2^53 bytes", bytes("82 7f 0020000000000000")],
  ["close code 0", bytes("88 02 0000")],
  ["close code 999", bytes("88 02 03e7")],
  ["close code 1004", bytes("88 02 03ec")],
  ["close code 1005", bytes("88 02 03ed")],
  ["close code 1006", bytes("88 02 03ee")],
  ["close code 1015", bytes("88 02 03f7")],
  ["close code 2999", bytes("88 02 0bb7")],
  ["close code 65535", bytes("88 02 ffff")],
  ["a close whose reason is no UTF-8", bytes("88 04 03e8 c328")],
];

const broken = BROKEN.map(([name, frames]): Attempt => ({
  id: `socket/${name}`,
  threat: "T17",
  tried: `OpenClaw sends hello, then ${name}, then stolen`,
  expected: `hello, closed 1001, ${UNAFFECTED}`,
  run: (world) => listen(world, (socket) => void socket.end(Buffer.concat([HELLO, frames, bytes("81 06", "stolen")]))),
}));

/** What has a meaning, and what it becomes. */
const OTHERS: [name: string, expected: string, frames: (socket: Socket) => void][] = [
  [
    "a close without code, and more",
    "hello, closed 1000",
    (socket) => void socket.end(Buffer.concat([HELLO, bytes("88 00"), bytes("81 06", "stolen")])),
  ],
  [
    "a close as it should be, and more",
    "hello, closed 4000 bye",
    (socket) => void socket.end(Buffer.concat([HELLO, bytes("88 05 0fa0", "bye"), bytes("81 06", "stolen")])),
  ],
  ["nothing more", "hello, closed 1001", (socket) => void socket.end(HELLO)],
  ["26 MiB in one frame", "hello, closed 1009", (socket) => begin(socket, bytes("82 7f 0000000001a00000"), 26 * MIB)],
  ["30 MiB in one frame", "hello, closed 1009", (socket) => begin(socket, bytes("82 7f 0000000001e00000"), 30 * MIB)],
  [
    "a message of a million fragments",
    "hello, closed 1001",
    (socket) => (socket.write(HELLO), flood(socket, "\x01\x01a", "\0\x01a".repeat(1_000), 1_000)),
  ],
  [
    "a message of empty fragments without end",
    "hello, closed 1001",
    (socket) => (socket.write(HELLO), flood(socket, "\x01\0", "\0\0".repeat(1_000), Number.POSITIVE_INFINITY)),
  ],
  [
    "pings without end, and reads no answer",
    "hello, closed 1001",
    (socket) => {
      socket.pause();
      socket.write(HELLO);
      flood(socket, "", "\x89\0".repeat(1_000), Number.POSITIVE_INFINITY);
    },
  ],
];

const others = OTHERS.map(([name, expected, frames]): Attempt => ({
  id: `socket/${name}`,
  threat: "T17",
  tried: `OpenClaw sends hello, then ${name}`,
  expected: `${expected}, ${UNAFFECTED}`,
  run: (world) => listen(world, frames),
}));

function begin(socket: Socket, head: Buffer, length: number): void {
  socket.write(HELLO);
  socket.write(head);
  socket.write(Buffer.alloc(length));
}

/** @returns what bob's browser hears, how it ends, and who else noticed */
async function listen({ tenants }: World, frames: (socket: Socket) => void): Promise<string> {
  const { evil, port } = tenants;
  const target = evil.openclaw.play({ frames });
  const headers = { host: evil.host, origin: evil.origin, cookie: evil.bob };
  // The platform leaves a connection open on which nobody said anything: the close itself is what counts.
  const options: WebSocket.ClientOptions & { closeTimeout: number } = { headers, closeTimeout: CLOSE_TIMEOUT_MS };
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, options);
  const heard: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  socket.on("message", (data) => heard.push(String(data).slice(0, 20)));
  socket.on("unexpected-response", (_request, response) => resolve(`refused ${response.statusCode}`));
  socket.on("error", () => undefined);
  socket.on("close", (code, reason) => resolve(`closed ${[code, String(reason)].join(" ").trim()}`));
  const end = await ended;
  socket.terminate();
  return `${[...heard, end].join(", ")}, ${await lookAround(tenants)}`;
}

export const BROKEN_SOCKETS: Attempt[] = [...broken, ...others];
