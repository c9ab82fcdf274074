import { describe, expect, test } from "vitest";
import { RESET_CODES } from "#protocol/errors.ts";
import type { Frame } from "#protocol/frame.ts";
import { AGENT_ACK_DELAY_MS, DRAIN_MS, RESUME_GRACE_MS } from "#protocol/limits.ts";
import type { Resumed } from "#protocol/messages.ts";
import type { StreamFrame, StreamPort } from "../../workspace-agent/streams/stream.ts";
import { MemoryTunnel } from "./support/memory-tunnel.ts";
import { openHead } from "./support/peer.ts";

/** A stream that only notes what is done to it. */
interface Noted {
  port: StreamPort;
  frames: StreamFrame[];
  ended: ("abandoned" | "stopped")[];
}

/** @returns a tunnel with three open streams: 1 and 3 are chats, 2 is a download */
function open(): { tunnel: MemoryTunnel; streams: Map<number, Noted> } {
  const streams = new Map<number, Noted>();
  const tunnel = new MemoryTunnel((id, _head, port) => {
    const noted: Noted = { port, frames: [], ended: [] };
    streams.set(id, noted);
    return {
      ready: false,
      sendSome: () => {},
      receive: (frame) => void noted.frames.push(frame),
      abandon: () => void noted.ended.push("abandoned"),
      stop: () => {
        noted.ended.push("stopped");
        port.reset("shutting_down");
      },
    };
  });
  tunnel.gateway.send(
    { type: "open", stream: 1, head: openHead({ kind: "ws" }) },
    { type: "open", stream: 2, head: openHead() },
    { type: "open", stream: 3, head: openHead({ kind: "ws" }) },
  );
  return { tunnel, streams };
}

const text = (stream: number, words: string): Frame => ({ type: "text", stream, bytes: Buffer.from(words) });
const endings = (streams: Map<number, Noted>) => [...streams.values()].map(({ ended }) => ended);
/** Lets everything happen that waits for no timer. */
const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const none: string[][] = [[], [], []];

describe("a cut link", () => {
  test("keeps its streams and queues what they say, and both sides' words cross once and in order", async () => {
    const { tunnel, streams } = open();
    tunnel.die();
    tunnel.gateway.send(text(1, "lost on the way"));
    streams.get(1)!.port.queue(text(1, "also lost"));
    await settle();
    tunnel.cut();
    tunnel.gateway.send(text(1, "while cut"));
    streams.get(1)!.port.queue(text(1, "while cut too"));
    tunnel.clock.advance(RESUME_GRACE_MS - 1);
    expect(endings(streams)).toEqual(none);
    tunnel.connect();
    streams.get(1)!.port.queue(text(1, "after"));
    await settle();
    const heard = streams.get(1)!.frames.filter(({ type }) => type === "text");
    expect(heard.map(words)).toEqual(["lost on the way", "while cut"]);
    expect(tunnel.gateway.inbox.frames.map(words)).toEqual(["also lost", "while cut too", "after"]);
    expect(tunnel.identity.released).toBe(0);
    tunnel.clock.advance(AGENT_ACK_DELAY_MS);
    expect(tunnel.clock.pending).toBe(0);
  });

  test("is over when its grace is, without any connection, and then asks for a new one", () => {
    const { tunnel, streams } = open();
    tunnel.cut();
    tunnel.clock.advance(RESUME_GRACE_MS);
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
    expect(tunnel.identity.released).toBe(1);
    expect(tunnel.tunnel.hello).toBeNull();
    expect(tunnel.clock.pending).toBe(0);
  });

  test("has a whole grace again after each resume", () => {
    const { tunnel, streams } = open();
    for (let cuts = 0; cuts < 3; cuts++) {
      tunnel.cut();
      tunnel.clock.advance(RESUME_GRACE_MS - 1);
      tunnel.connect();
    }
    expect(endings(streams)).toEqual(none);
    expect(tunnel.traffic.resumes).toBe(3);
  });

  test("loses exactly the streams that the gateway lost with its memory", () => {
    const { tunnel, streams } = open();
    tunnel.die();
    tunnel.gateway.send(text(3, "gone with the memory"));
    tunnel.cut();
    tunnel.gateway.forget();
    tunnel.gateway.dropped.add(3);
    tunnel.gateway.send(text(1, "of the new memory"));
    tunnel.connect();
    expect(endings(streams)).toEqual([[], [], ["abandoned"]]);
    expect(streams.get(1)!.frames.map(words)).toEqual(["of the new memory"]);
    // What that stream still says is nobody's.
    streams.get(3)!.port.queue(text(3, "into the void"));
    tunnel.gateway.send({ type: "open", stream: 4, head: openHead() });
    expect(tunnel.tunnel.link?.streams.size).toBe(3);
  });

  test("takes the end of a stream whose beginning was lost", () => {
    const { tunnel } = open();
    tunnel.die();
    tunnel.gateway.send({ type: "open", stream: 4, head: openHead({ kind: "ws" }) });
    tunnel.cut();
    tunnel.gateway.forget();
    tunnel.gateway.dropped.add(4);
    tunnel.gateway.send({ type: "close", stream: 4, code: 1000, reason: "" });
    tunnel.connect();
    expect(tunnel.connection.closes).toEqual([]);
    expect(tunnel.tunnel.link?.streams.size).toBe(3);
  });

  test("is ended by a WELCOME, and the new link begins with nothing", () => {
    const { tunnel, streams } = open();
    tunnel.cut();
    tunnel.connect((wire) => tunnel.gateway.welcome(wire, false));
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
    expect(tunnel.tunnel.link?.streams.size).toBe(0);
    expect(tunnel.tunnel.hello).toEqual({ link: tunnel.gateway.linkId, received: 0 });
    expect(tunnel.identity.released).toBe(1);
  });

  test.each([4400, 4401, 4409, 4410])("does not outlive a close of %i", (code) => {
    const { tunnel, streams } = open();
    tunnel.cut(code);
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
  });

  test.each([1000, 1001, 1005, 1006, 1011, 1012, 4408])("outlives a close of %i by the gateway", (code) => {
    const { tunnel, streams } = open();
    tunnel.cut(code);
    expect(endings(streams)).toEqual(none);
  });

  test("hears nothing that its former connections still bring, not even their end", () => {
    const { tunnel, streams } = open();
    const former = tunnel.connection;
    tunnel.cut();
    tunnel.connect();
    const link = tunnel.tunnel.link!;
    link.receive(former, Uint8Array.of(99));
    link.fail(former, new Error("late"));
    link.closed(former, 4400);
    link.closed(former, 1006);
    expect(link.phase).toBe("active");
    expect(endings(streams)).toEqual(none);
  });

  test.each<[name: string, forge: (resumed: Resumed) => Resumed, code: string]>([
    ["an applied batch that was never sent", (r) => ({ ...r, received: r.received + 1 }), "bad_acknowledgement"],
    ["an applied batch taken back", (r) => ({ ...r, received: r.received - 1 }), "bad_acknowledgement"],
    ["a next batch that has been applied", (r) => ({ ...r, next: r.next - 1 }), "bad_batch_number"],
    ["a next batch half the numbers away", (r) => ({ ...r, next: (r.next + 0x80000001) >>> 0 }), "bad_batch_number"],
  ])("told of %s, ends with that connection and nothing else", async (_name, forge, code) => {
    const { tunnel, streams } = open();
    streams.get(1)!.port.queue(text(1, "counted"));
    await settle();
    tunnel.cut();
    tunnel.gateway.forge = forge;
    expect(() => tunnel.connect()).toThrowError(expect.objectContaining({ code }));
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
    expect(tunnel.tunnel.hello).toBeNull();
  });

  test.each([
    ["by its timer", RESUME_GRACE_MS],
    ["by the clock alone, as on a machine that slept", 0],
  ])("that was given up %s takes no RESUMED", (_name, advanceMs) => {
    const { tunnel, streams } = open();
    const hello = tunnel.tunnel.hello;
    tunnel.cut();
    tunnel.clock.advance(advanceMs);
    if (advanceMs === 0) tunnel.clock.sleep(RESUME_GRACE_MS);
    expect(() => tunnel.connect((wire) => tunnel.gateway.greet(wire, hello))).toThrowError(
      expect.objectContaining({ code: "unexpected_message" }),
    );
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
  });

  test("is over when the gateway refuses to go on with it", () => {
    const { tunnel, streams } = open();
    tunnel.cut();
    tunnel.tunnel.link?.refused(4408);
    expect(endings(streams)).toEqual(none);
    tunnel.tunnel.link?.refused(4400);
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
  });
});

describe("a link that stands by", () => {
  const standing = () => new MemoryTunnel(() => expect.unreachable());

  test("says so, and serves and writes from ROSTER on", () => {
    const tunnel = standing();
    tunnel.cut();
    tunnel.connect((wire) => tunnel.gateway.welcome(wire, false));
    tunnel.clock.advance(1_000);
    expect(tunnel.events.at(-1)).toBe("tunnel.standby");
    expect(tunnel.tunnel.phase).toBe("standby");
    tunnel.identity.frames.length = 0;
    tunnel.gateway.send({ type: "roster", stream: 0, version: 7, people: [] });
    expect(tunnel.events.at(-1)).toBe("tunnel.active");
    expect(tunnel.tunnel.phase).toBe("active");
    expect(tunnel.identity.frames).toMatchObject([{ type: "roster", version: 7 }]);
  });

  test.each<Frame>([
    { type: "open", stream: 1, head: openHead() },
    { type: "forget", stream: 0, version: 1, person: "p1" },
    { type: "reset", stream: 1, code: 1 },
  ])("takes nothing but ROSTER first: $type", (frame) => {
    const tunnel = standing();
    tunnel.cut();
    tunnel.connect((wire) => tunnel.gateway.welcome(wire, false));
    tunnel.gateway.send(frame);
    expect(tunnel.connection.closes).toEqual([[4400, "illegal_step"]]);
  });

  test("has released nothing when it ends, because it held nothing", () => {
    const tunnel = standing();
    tunnel.tunnel.link?.end("test");
    tunnel.connect((wire) => tunnel.gateway.welcome(wire, false));
    const { released } = tunnel.identity;
    tunnel.tunnel.link?.end("test");
    expect(tunnel.identity.released).toBe(released);
  });
});

describe("a stopping agent", () => {
  test("says GOAWAY, writes no identity from then on, and serves what is open until no HTTP exchange is", async () => {
    const { tunnel, streams } = open();
    expect(tunnel.tunnel.leave()).toBe(true);
    expect(tunnel.gateway.goaways).toEqual(["shutting_down"]);
    expect(tunnel.identity.released).toBe(1);
    tunnel.gateway.send({ type: "roster", stream: 0, version: 9, people: [] }, text(1, "still heard"));
    expect(tunnel.identity.frames).toHaveLength(1);
    expect(streams.get(1)!.frames.map(words)).toEqual(["still heard"]);
    expect(endings(streams)).toEqual(none);
    streams.get(2)!.port.queue({ type: "end", stream: 2 });
    streams.get(2)!.port.close();
    await settle();
    expect(endings(streams)).toEqual([["stopped"], [], ["stopped"]]);
    const last = tunnel.gateway.inbox.frames;
    expect(last.map(({ type }) => type)).toEqual(["end", "reset", "reset"]);
    expect(tunnel.connection.closes).toEqual([[1001, "shutting_down"]]);
    expect(tunnel.clock.pending).toBe(0);
  });

  test("ends what is still open at the deadline", () => {
    const { tunnel, streams } = open();
    tunnel.tunnel.leave();
    tunnel.clock.advance(DRAIN_MS - 1);
    expect(endings(streams)).toEqual(none);
    tunnel.clock.advance(1);
    expect(endings(streams)).toEqual([["stopped"], ["stopped"], ["stopped"]]);
    expect(tunnel.gateway.inbox.frames).toMatchObject([1, 2, 3].map(() => ({ code: RESET_CODES.shutting_down })));
    expect(tunnel.connection.closes).toEqual([[1001, "shutting_down"]]);
  });

  test("with no HTTP exchange open is gone at once", () => {
    const { tunnel, streams } = open();
    streams.get(2)!.port.close();
    expect(tunnel.tunnel.leave()).toBe(true);
    expect(tunnel.connection.closes).toEqual([[1001, "shutting_down"]]);
    expect(tunnel.tunnel.phase).toBe("over");
  });

  test("that is cut is gone at once", () => {
    const { tunnel, streams } = open();
    tunnel.cut();
    expect(tunnel.tunnel.leave()).toBe(false);
    expect(endings(streams)).toEqual([["abandoned"], ["abandoned"], ["abandoned"]]);
  });

  test("that is cut while it waits does not come back", () => {
    const { tunnel } = open();
    tunnel.tunnel.leave();
    tunnel.cut();
    expect(tunnel.tunnel.hello).toBeNull();
    expect(tunnel.clock.pending).toBe(0);
  });
});

function words(frame: Frame): string {
  return "bytes" in frame && typeof frame.bytes !== "number" ? Buffer.from(frame.bytes).toString() : frame.type;
}
