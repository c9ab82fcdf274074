/** A message that says whose it is, which one it is, and what its bytes should be. */
import { crc32 } from "node:zlib";
import type { Chance } from "./chance.ts";
import type { Sequence } from "./ledger.ts";

const LARGE_BYTES = 1024 * 1024;
const LONGEST_TEXT = 2_000;
/** A sender lets so many be under way: a chat waits for answers too. */
const MOST_UNDER_WAY = 100;
const LARGE_PROBABILITY = 1 / 120;

/** Bytes to fill messages and bodies with; any slice of it is as good as another. */
export const FILLER = makeFiller(2 * LARGE_BYTES);
const FILLER_TEXT = FILLER.toString("base64");

export function textMessage(life: number, number: number, chance: Chance): string {
  const at = chance.between(0, LARGE_BYTES);
  return requestOf(life, number, FILLER_TEXT.slice(at, at + chance.between(0, LONGEST_TEXT)));
}

export function largeMessage(life: number, number: number, chance: Chance): string {
  const at = chance.between(0, LARGE_BYTES);
  return requestOf(life, number, FILLER_TEXT.slice(at, at + LARGE_BYTES));
}

/** In the shape of OpenClaw's own requests: the agent lets nothing else pass. */
function requestOf(life: number, number: number, text: string): string {
  const params = { life, number, sum: crc32(text), message: text };
  return JSON.stringify({ type: "req", id: `${life}-${number}`, method: "chat.send", params });
}

/** @returns the message's number, or undefined when it is damaged or another stream's */
export function readMessage(life: number, data: Buffer): number | undefined {
  try {
    const { params } = JSON.parse(data.toString()) as {
      params: Record<"life" | "number" | "sum", number> & { message: string };
    };
    return params.life === life && crc32(params.message) === params.sum ? params.number : undefined;
  } catch {
    return undefined;
  }
}

/** One end of a socket that numbers are sent into. */
export interface NumberSink {
  /** Whether the next number may be given out now. */
  ready(): boolean;
  send(message: string): void;
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
