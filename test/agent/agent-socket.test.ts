import { afterEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { Frame } from "#protocol/frame.ts";
import { SILENT_AFTER_MS } from "#protocol/limits.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import { decodeMessage } from "#protocol/messages.ts";
import { type Clock, systemClock } from "../../workspace-agent/clock.ts";
import type { IdentityFrame } from "../../workspace-agent/connection/agent-link.ts";
import { AgentSocket } from "../../workspace-agent/connection/agent-socket.ts";
import { dial } from "../../workspace-agent/connection/dial.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { Tunnel } from "../../workspace-agent/connection/tunnel.ts";
import { Edge, welcome } from "./support/edge.ts";
import { ManualClock } from "./support/manual-clock.ts";
import { openHead, silent } from "./support/peer.ts";

const roster: Frame = { type: "roster", stream: 0, version: 1, people: [] };
let edge: Edge;

afterEach(() => edge.stop());

/** Connects an agent whose streams only count, and hands the gateway's end to `play` once it is welcome. */
async function connect(play: (socket: WebSocket, link: Link) => void, clock: Clock = systemClock) {
  const seen: { frames: Frame[]; abandoned: number; identity: IdentityFrame[] } = {
    frames: [],
    abandoned: 0,
    identity: [],
  };
  edge = new Edge((socket) => {
    socket.send(edge.challenge().message);
    socket.once("message", () => {
      // In one TCP segment, as a busy gateway may do.
      socket.send(welcome);
      play(socket, new Link({ ...NEW_LINK }, (message) => socket.send(message)));
    });
  });
  await edge.start();
  const { signal } = new AbortController();
  const tunnel = new Tunnel({
    openStream: () => ({
      ready: false,
      sendSome: () => {},
      receive: (frame) => void seen.frames.push(frame),
      abandon: () => void (seen.abandoned += 1),
      stop: () => {},
    }),
    identity: {
      receive: (frame, answer) => {
        seen.identity.push(frame);
        answer({ type: "written", stream: 0, version: frame.version, result: "ok" });
      },
      release: () => {},
    },
    clock,
    traffic: new Traffic(),
    log: silent,
  });
  const end = await dial({
    identity: edge.identity(),
    boot: 1,
    attempt: 1,
    now: Date.now,
    signal,
    resume: () => tunnel.hello,
    greeted: (greeting, socket, transport) => {
      const connection = new AgentSocket(socket, transport, clock);
      connection.carry(tunnel.greet(greeting, connection));
    },
  });
  const openStreams = tunnel.link?.streams.size;
  tunnel.link?.end("test over");
  return { end, seen, openStreams };
}

test("a batch right behind the welcome is applied, answered in one batch, and acknowledged by it", async () => {
  const { seen } = await connect((socket, link) => {
    link.queue({ type: "roster", stream: 0, version: 4, people: [] });
    link.queue({ type: "open", stream: 1, head: openHead() });
    link.queue({ type: "end", stream: 1 });
    link.flush();
    socket.once("message", (data) => {
      const answer = decodeMessage(data as Buffer);
      expect(answer).toMatchObject({ type: "batch", number: 1, ack: 1 });
      if (answer.type !== "batch") return;
      expect(link.receiveBatch(answer.number, answer.ack, answer.body)).toEqual([
        { type: "written", stream: 0, version: 4, result: "ok" },
      ]);
      socket.close(1000);
    });
  });
  expect(seen.identity).toHaveLength(1);
  expect(seen.frames).toEqual([{ type: "end", stream: 1 }]);
});

test("a batch that needs no answer is acknowledged on its own", async () => {
  await connect((socket, link) => {
    link.queue(roster);
    link.flush();
    socket.once("message", () => {
      link.queue({ type: "open", stream: 1, head: openHead() });
      link.flush();
      socket.once("message", (data) => {
        expect(decodeMessage(data as Buffer)).toEqual({ type: "ack", ack: 2 });
        socket.close(1000);
      });
    });
  });
});

test.each([
  [
    "a batch number that skips",
    "bad_batch_number",
    (socket: WebSocket, link: Link) => {
      link.state.sent = 5;
      link.queue({ type: "open", stream: 1, head: openHead() });
      link.flush();
      void socket;
    },
  ],
  ["a second welcome", "unexpected_message", (socket: WebSocket) => socket.send(welcome)],
  ["an unknown message", "bad_message_type", (socket: WebSocket) => socket.send(Buffer.from([99]))],
  ["text that is no pong", "unexpected_message", (socket: WebSocket) => socket.send("hi")],
  [
    "a frame of the agent's own",
    "illegal_step",
    (_socket: WebSocket, link: Link) => {
      link.queue({ type: "written", stream: 0, version: 1, result: "ok" });
      link.flush();
    },
  ],
])("%s closes the connection with 4400 and its code, and ends all streams", async (_name, code, play) => {
  const closed: [number, string][] = [];
  const { seen } = await connect((socket, link) => {
    socket.on("close", (number, reason) => closed.push([number, reason.toString()]));
    link.queue(roster);
    link.queue({ type: "open", stream: 1, head: openHead() });
    link.flush();
    play(socket, link);
  });
  expect(closed).toEqual([[4400, code]]);
  expect(seen.abandoned).toBe(1);
});

test("a connection that the gateway closes for another reason leaves the streams open", async () => {
  const { end, openStreams } = await connect((socket, link) => {
    link.queue(roster);
    link.queue({ type: "open", stream: 1, head: openHead() });
    link.flush();
    socket.once("message", () => socket.close(4408, "silent"));
  });
  expect(end.code).toBe(4408);
  expect(openStreams).toBe(1);
});

test("a gateway that freezes after a batch is left within five seconds, for a resume", async () => {
  const clock = new ManualClock();
  const pings: string[] = [];
  const { end, openStreams } = await connect((socket, link) => {
    link.queue(roster);
    link.queue({ type: "open", stream: 1, head: openHead() });
    link.flush();
    socket.once("message", () => {
      socket.on("message", (data) => {
        pings.push((data as Buffer).toString());
        // Its network stack lives, and nobody answers.
        clock.advance(SILENT_AFTER_MS / 2);
      });
      clock.advance(SILENT_AFTER_MS / 2);
    });
  }, clock);
  expect(pings).toEqual(["ping"]);
  expect(end).toMatchObject({ code: 1006 });
  expect(openStreams).toBe(1);
});
