/** Hostile bytes made from good ones: most random bytes die at the first check, these get further. Seeded, so repeatable. */
import { encodeFrame } from "#protocol/codec.ts";
import type { Frame } from "#protocol/frame.ts";
import { encodeAck, encodeBatch, encodeGoaway, encodeResumed, encodeWelcome } from "#protocol/messages.ts";

/** @returns 32 random bits a call (xorshift; RFC-free and fast, not for secrets) */
export function generator(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const text = (value: string) => new TextEncoder().encode(value);
const person = { key: "p1", user: "a@example.com", email: null, name: null, role: "user", active: true } as const;

/** One good frame of every type, for `stream`; what the object sends beside what the agent sends. */
export function frames(stream: number): Frame[] {
  const head = { status: 200, headers: [["content-type", "text/plain"]] as [string, string][] };
  return [
    {
      type: "open",
      stream,
      head: {
        kind: "http",
        method: "GET",
        target: "/",
        routeClass: "ui",
        headers: [],
        person: "p1",
        version: 1,
        user: "a@example.com",
        role: "viewer",
        scopes: ["operator.read"],
        clientAddress: "192.0.2.1",
        scheme: "https",
        host: "gw.example",
        body: false,
        credit: 262_144,
      },
    },
    { type: "head", stream, head, body: text("body"), end: false },
    { type: "data", stream, bytes: text("data") },
    { type: "end", stream },
    { type: "accepted", stream, protocol: "" },
    { type: "refused", stream, head, body: text("no") },
    { type: "text", stream, bytes: text("hello") },
    { type: "binary", stream, bytes: text("hello") },
    { type: "offer", stream, kind: "text", bytes: 300_000 },
    { type: "take", stream, attempt: 1 },
    { type: "part", stream, attempt: 1, offset: 0, bytes: text("part") },
    { type: "taken", stream },
    { type: "piece", stream, kind: "binary", total: 300_000, offset: 0, bytes: text("piece") },
    { type: "close", stream, code: 1000, reason: "bye" },
    { type: "reset", stream, code: 3 },
    { type: "credit", stream, bytes: 1_000 },
    { type: "denied", stream, reason: "method", method: "wake", count: 1 },
    { type: "roster", stream: 0, version: 1, people: [person] },
    { type: "identity", stream: 0, version: 2, person },
    { type: "forget", stream: 0, version: 3, person: "p1" },
    { type: "written", stream: 0, version: 1, result: "ok" },
  ];
}

/**
 * @returns a maker of messages: good ones, good ones with wrong parts, and noise. Most are good enough to be taken:
 * only behind a message that was taken can the next one find a strange state.
 */
export function hostileMessages(random: () => number): (number: number, ack: number) => Uint8Array<ArrayBuffer> {
  const parts = [1, 2].map((stream) => frames(stream).map(encodeFrame)).flat();
  const unknown = [3, 9_999].map((stream) => frames(stream).map(encodeFrame)).flat();
  const harmless = frames(1)
    .map(encodeFrame)
    .filter((part) => HARMLESS.has(part[0] ?? 0));
  const others = [
    encodeAck(1),
    encodeGoaway(10, "x"),
    encodeResumed({ received: 1, next: 2, live: [1, 2] }),
    encodeWelcome({ link: "abcdefghijkl" }),
  ];
  return function next(number, ack) {
    const kind = random() % 256;
    if (kind === 0) return mutate(others[random() % others.length]!, random);
    if (kind === 1) return noise(random);
    const count = 1 + (random() % 3);
    const body = Array.from({ length: count }, () => {
      const choice = random() % 256;
      if (choice < 2) return mutate(parts[random() % parts.length]!, random);
      if (choice === 2) return unknown[random() % unknown.length]!;
      const from = choice < 6 ? parts : harmless;
      return from[random() % from.length]!;
    });
    const message = encodeBatch(number, ack, body);
    return random() % 64 === 0 ? mutate(message, random) : message;
  };
}

/** Frames that may come often in a row: text, binary, credit, written, and ends of streams that are over. */
const HARMLESS: ReadonlySet<number> = new Set([7, 8, 16, 20]);

function mutate(bytes: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  switch (random() % 4) {
    case 0:
      return copy.slice(0, random() % (copy.byteLength + 1));
    case 1: {
      const longer = new Uint8Array(copy.byteLength + (random() % 16));
      longer.set(copy);
      return longer;
    }
    default:
      for (let times = 1 + (random() % 3); times > 0 && copy.byteLength > 0; times--) {
        copy[random() % copy.byteLength] = random() % 3 === 0 ? 255 : random() & 255;
      }
      return copy;
  }
}

function noise(random: () => number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: random() % 64 }, () => random() & 255);
}
