import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReceiveCredit, SendCredit } from "#protocol/credit.ts";
import type { Frame } from "#protocol/frame.ts";
import { ACK_AFTER_BATCHES } from "#protocol/limits.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage } from "#protocol/messages.ts";

function pair() {
  const toRight: Uint8Array[] = [];
  const toLeft: Uint8Array[] = [];
  const left = new Link({ ...NEW_LINK }, (message) => toRight.push(message));
  const right = new Link({ ...NEW_LINK }, (message) => toLeft.push(message));
  return { left, right, toRight, toLeft };
}

function deliver(link: Link, message: Uint8Array): Frame[] {
  const decoded = decodeMessage(message);
  if (decoded.type === "batch") return link.receiveBatch(decoded.number, decoded.ack, decoded.body);
  if (decoded.type === "ack") link.receiveAck(decoded.ack);
  return [];
}

const data = (value: number): Frame => ({ type: "data", stream: 1, bytes: Uint8Array.of(value) });

describe("a link", () => {
  test("puts what was queued in one event into one numbered batch", () => {
    const { left, right, toRight } = pair();
    left.queue(data(1));
    left.queue(data(2));
    left.flush();
    expect(toRight).toHaveLength(1);
    expect(deliver(right, toRight[0]!)).toEqual([data(1), data(2)]);
  });

  test("refuses a batch that is not the next one", () => {
    const { left, right, toRight } = pair();
    left.queue(data(1));
    left.flush();
    deliver(right, toRight[0]!);
    expect(() => deliver(right, toRight[0]!)).toThrowError(expect.objectContaining({ code: "bad_batch_number" }));
  });

  test("refuses an acknowledgement of what was never sent", () => {
    const { left } = pair();
    expect(() => left.receiveAck(1)).toThrowError(expect.objectContaining({ code: "bad_acknowledgement" }));
  });

  test("acknowledges by itself after a bounded number of batches", () => {
    const { left, right, toRight, toLeft } = pair();
    for (let n = 0; n < ACK_AFTER_BATCHES; n++) {
      left.queue(data(n));
      left.flush();
      deliver(right, toRight[n]!);
      right.flush();
    }
    expect(toLeft).toHaveLength(1);
    expect(left.unacknowledgedBytes).toBeGreaterThan(0);
    deliver(left, toLeft[0]!);
    expect(left.unacknowledgedBytes).toBe(0);
  });

  test("goes on across the wrap of its 32-bit number", () => {
    const { toRight } = pair();
    const left = new Link({ ...NEW_LINK, sent: 0xffffffff, acknowledged: 0xffffffff }, (message) =>
      toRight.push(message),
    );
    const right = new Link({ ...NEW_LINK, received: 0xffffffff }, () => undefined);
    left.queue(data(1));
    left.flush();
    expect(deliver(right, toRight[0]!)).toEqual([data(1)]);
    left.receiveAck(0);
    expect(left.unacknowledgedBytes).toBe(0);
  });

  test("restored from its counters in mid-life, goes on as if nothing had happened", () => {
    const { left, right, toRight } = pair();
    left.queue(data(1));
    left.flush();
    deliver(right, toRight[0]!);
    const restored = new Link(structuredClone(left.state), (message) => toRight.push(message));
    restored.queue(data(2));
    restored.flush();
    expect(deliver(right, toRight[1]!)).toEqual([data(2)]);
  });

  test("delivers any traffic in order, exactly once, in both directions", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ side: fc.boolean(), count: fc.nat(5), flush: fc.boolean() })), (steps) => {
        const { left, right, toRight, toLeft } = pair();
        const sent = { left: 0, right: 0 };
        const got = { left: [] as number[], right: [] as number[] };
        for (const { side, count, flush } of steps) {
          for (let n = 0; n < count; n++) (side ? left : right).queue(data((side ? sent.left++ : sent.right++) & 0xff));
          if (flush) (side ? left : right).flush(true);
          for (const message of toRight.splice(0)) got.right.push(...values(deliver(right, message)));
          for (const message of toLeft.splice(0)) got.left.push(...values(deliver(left, message)));
        }
        left.flush();
        right.flush();
        for (const message of toRight.splice(0)) got.right.push(...values(deliver(right, message)));
        for (const message of toLeft.splice(0)) got.left.push(...values(deliver(left, message)));
        expect(got.right).toEqual(Array.from({ length: sent.left }, (_, n) => n & 0xff));
        expect(got.left).toEqual(Array.from({ length: sent.right }, (_, n) => n & 0xff));
      }),
      { numRuns: 2_000 },
    );
  });
});

function values(frames: Frame[]): number[] {
  return frames.map((frame) => (frame.type === "data" ? frame.bytes[0]! : -1));
}

describe("credit", () => {
  test("lets one message overdraw, and nothing after it", () => {
    const credit = new ReceiveCredit(100);
    credit.receive(250);
    expect(() => credit.receive(1)).toThrowError(expect.objectContaining({ code: "credit_exceeded" }));
  });

  test("is granted again once half the window was delivered, and adds up", () => {
    const credit = new ReceiveCredit(100);
    credit.receive(60);
    expect(credit.deliver(40)).toBe(0);
    expect(credit.deliver(20)).toBe(60);
    expect(credit.granted).toBe(100);
  });

  test("restored after a loss of memory, grants what had been received", () => {
    const credit = new ReceiveCredit(100, 30);
    expect(credit.deliver(0)).toBe(70);
  });

  test("refuses a grant above what a stream may hold", () => {
    const credit = new SendCredit(0);
    expect(() => credit.grant(2 ** 21)).toThrowError(expect.objectContaining({ code: "credit_exceeded" }));
  });
});

describe("a link that was cut", () => {
  test("sends what was not received again, in order, with today's acknowledgement", () => {
    const { left, right, toRight, toLeft } = pair();
    left.queue(data(1));
    left.flush();
    right.queue(data(9));
    right.flush();
    left.disconnect();
    right.disconnect();
    left.queue(data(2));
    left.flush();
    deliver(left, toLeft[0]!);
    toRight.length = 0;

    expect(left.replayAfter(right.state.received)).toEqual({ next: 1, hole: false });
    left.reconnect((message) => toRight.push(message));
    const frames = toRight.flatMap((message) => deliver(right, message));
    expect(frames).toEqual([data(1), data(2)]);
    expect(right.state.acknowledged).toBe(1);
    expect(right.isWaiting).toBe(false);
  });

  test("tells a hole when its memory was lost, and the other end skips it", () => {
    const { left, right } = pair();
    left.queue(data(1));
    left.flush();
    const forgetful = new Link(structuredClone(left.state), null);
    const sent: Uint8Array[] = [];
    forgetful.queue(data(2));
    forgetful.flush();

    expect(forgetful.replayAfter(0)).toEqual({ next: 2, hole: true });
    right.skipTo(2);
    forgetful.reconnect((message) => sent.push(message));
    expect(sent.flatMap((message) => deliver(right, message))).toEqual([data(2)]);
  });

  test("refuses a peer that has received what was never sent, or less than it acknowledged", () => {
    const { left, right, toRight, toLeft } = pair();
    left.queue(data(1));
    left.flush();
    deliver(right, toRight[0]!);
    right.flush(true);
    deliver(left, toLeft[0]!);
    const refused = expect.objectContaining({ code: "bad_acknowledgement" });
    expect(() => left.replayAfter(2)).toThrowError(refused);
    expect(() => left.replayAfter(0)).toThrowError(refused);
    expect(() => right.skipTo(1)).toThrowError(expect.objectContaining({ code: "bad_batch_number" }));
  });
});
