/** A message that says whose it is, which one it is, and what its bytes should be. */
import { crc32 } from "node:zlib";
import type { Chance } from "./chance.ts";
import type { Sequence } from "./ledger.ts";

const LARGE_BYTES = 1024 * 1024;
const HEADER_BYTES = 12;
const LONGEST_TEXT = 2_000;
/** A sender lets so many be under way: a chat waits for answers too. */
const MOST_UNDER_WAY = 100;
const LARGE_PROBABILITY = 1 / 120;

/** Bytes to fill messages and bodies with; any slice of it is as good as another. */
export const FILLER = makeFiller(2 * LARGE_BYTES);
const FILLER_TEXT = FILLER.toString("base64");

export function textMessage(life: number, number: number, chance: Chance): string {
  const at = chance.between(0, LARGE_BYTES);
  const text = FILLER_TEXT.slice(at, at + chance.between(0, LONGEST_TEXT));
  return `${life} ${number} ${crc32(text)} ${text}`;
}

export function largeMessage(life: number, number: number, chance: Chance): Buffer {
  const message = Buffer.allocUnsafe(LARGE_BYTES);
  const at = chance.between(0, LARGE_BYTES);
  FILLER.copy(message, HEADER_BYTES, at, at + LARGE_BYTES - HEADER_BYTES);
  message.writeUInt32BE(life, 0);
  message.writeUInt32BE(number, 4);
  message.writeUInt32BE(crc32(message.subarray(HEADER_BYTES)), 8);
  return message;
}

/** @returns the message's number, or undefined when it is damaged or another stream's */
export function readMessage(life: number, data: Buffer, isBinary: boolean): number | undefined {
  if (isBinary) {
    if (data.byteLength !== LARGE_BYTES || data.readUInt32BE(0) !== life) return undefined;
    return crc32(data.subarray(HEADER_BYTES)) === data.readUInt32BE(8) ? data.readUInt32BE(4) : undefined;
  }
  const [owner, number, sum, text = ""] = data.toString().split(" ");
  return Number(owner) === life && crc32(text) === Number(sum) ? Number(number) : undefined;
}

/** One end of a socket that numbers are sent into. */
export interface NumberSink {
  /** Whether the next number may be given out now. */
  ready(): boolean;
  send(message: string | Buffer): void;
}

/** Sends numbered messages at random intervals, some of 1 MiB, one of those at a time. @returns what ends it */
export function sendNumbered(life: number, sequence: Sequence, chance: Chance, sink: NumberSink): () => void {
  let large = 0;
  let timer: NodeJS.Timeout;
  const step = () => {
    timer = setTimeout(step, chance.between(20, 180));
    if (sequence.underWay >= MOST_UNDER_WAY || !sink.ready()) return;
    const number = ++sequence.sent;
    if (large <= sequence.highest && chance.happens(LARGE_PROBABILITY)) {
      large = number;
      sink.send(largeMessage(life, number, chance));
    } else sink.send(textMessage(life, number, chance));
  };
  step();
  return () => clearTimeout(timer);
}

function makeFiller(bytes: number): Buffer {
  const filler = Buffer.allocUnsafe(bytes);
  for (let at = 0, state = 1; at < bytes; at += 4) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    filler.writeInt32BE(state | 0, at);
  }
  return filler;
}
