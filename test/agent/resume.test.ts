import { createHash, randomBytes } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { RESET_CODES } from "#protocol/errors.ts";
import { creditCost, type Frame } from "#protocol/frame.ts";
import { DRAIN_MS, INITIAL_CREDIT_BYTES, RESUME_GRACE_MS } from "#protocol/limits.ts";
import { decodeMessage } from "#protocol/messages.ts";
import { systemClock } from "../../workspace-agent/clock.ts";
import { AgentSocket } from "../../workspace-agent/connection/agent-socket.ts";
import { dial } from "../../workspace-agent/connection/dial.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { Tunnel } from "../../workspace-agent/connection/tunnel.ts";
import { openStreams } from "../../workspace-agent/origin/open-stream.ts";
import { createOrigin } from "../../workspace-agent/origin/origin.ts";
import { CuttingRelay } from "./support/cutting-relay.ts";
import { Edge } from "./support/edge.ts";
import { Gateway } from "./support/gateway.ts";
import { MemoryTunnel } from "./support/memory-tunnel.ts";
import { openHead, silent } from "./support/peer.ts";

const KIB = 1024;
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** A real origin on loopback. @returns what opens streams to it */
async function serve(listener: RequestListener, connected: (socket: WebSocket) => void = () => {}) {
  const server: Server = createServer(listener);
  new WebSocketServer({ server, perMessageDeflate: false }).on("connection", connected);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const address = { host: "127.0.0.1", port, localAddress: "127.77.0.1", userHeader: "x-user" };
  const origin = createOrigin(address, silent);
  cleanUps.push(() => {
    origin.agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  return openStreams(origin, () => null, null, silent);
}

/** Real sockets all the way, and between agent and gateway a relay that cuts. Redials at once, until the test is over. */
async function connectThroughCuts(openStream: Awaited<ReturnType<typeof serve>>, limitBytes: number) {
  const gateway = new Gateway();
  const edge = new Edge((socket) => {
    const wire = { send: (message: Uint8Array) => socket.send(message) };
    socket.send(edge.challenge({ host: relay.host }).message);
    socket.once("message", (data) => {
      const hello = decodeMessage(data as Buffer);
      if (hello.type === "hello") gateway.greet(wire, hello.message.value.resume);
      socket.on("message", (bytes) => gateway.receive(wire, bytes as Buffer));
    });
    socket.on("error", () => {});
  });
  await edge.start();
  const relay = new CuttingRelay(edge.host, limitBytes);
  await relay.start();
  const identity = { receive: () => {}, release: () => {} };
  const tunnel = new Tunnel({ openStream, identity, clock: systemClock, traffic: new Traffic(), log: silent });
  const controller = new AbortController();
  const over = (async () => {
    for (let attempt = 1; !controller.signal.aborted; attempt++) {
      await dial({
        identity: { ...edge.identity(), url: new URL(`http://${relay.host}`) },
        boot: 1,
        attempt,
        now: Date.now,
        signal: controller.signal,
        resume: () => tunnel.hello,
        greeted: (greeting, socket, transport) => {
          const connection = new AgentSocket(socket, transport, systemClock);
          connection.carry(tunnel.greet(greeting, connection));
        },
      });
    }
  })();
  cleanUps.push(() => {
    controller.abort();
    tunnel.link?.end("test over");
    relay.stop();
    edge.stop();
  });
  return { gateway, relay, tunnel, over };
}

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("across cuts in mid-message a chat loses no message, repeats none, and keeps their order", async () => {
  const seen: string[] = [];
  const openStream = await serve(
    () => {},
    (socket) => {
      socket.send("hello");
      socket.on("message", (data) => {
        seen.push(sha(data as Buffer));
        socket.send(data);
      });
    },
  );
  const { gateway, relay } = await connectThroughCuts(openStream, 150 * KIB);
  await gateway.connected;
  gateway.send({ type: "open", stream: 1, head: openHead({ kind: "ws" }) });
  await gateway.inbox.next("text");
  const messages = Array.from({ length: 300 }, (_, number) => randomBytes(1 + ((number * 7919) % (12 * KIB))));
  let credit = INITIAL_CREDIT_BYTES;
  const echoed: string[] = [];
  for (const [number, message] of messages.entries()) {
    gateway.send({ type: "binary", stream: 1, bytes: message });
    credit -= message.byteLength;
    while (credit < 20 * KIB) credit += (await gateway.inbox.next("credit", 1)).bytes;
    if (number % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const frame of await allFrames(gateway, "binary", messages.length)) echoed.push(sha(bytesOf(frame)));
  expect(seen).toEqual(messages.map(sha));
  expect(echoed).toEqual(messages.map(sha));
  expect(relay.cuts).toBeGreaterThan(5);
});

test("across cuts in mid-message a download and an upload arrive whole", async () => {
  const body = randomBytes(4 * KIB * KIB);
  let uploaded = "";
  const openStream = await serve((request, response) => {
    if (request.method === "GET") {
      response.end(body);
      return;
    }
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => {
      uploaded = hash.digest("hex");
      response.end("stored");
    });
  });
  const { gateway, relay } = await connectThroughCuts(openStream, 700 * KIB);
  await gateway.connected;
  const upload = openHead({ method: "POST", target: "/api/chat/x", routeClass: "write", body: true });
  gateway.send({ type: "open", stream: 1, head: openHead() }, { type: "open", stream: 2, head: upload });
  let credit = INITIAL_CREDIT_BYTES;
  for (let offset = 0; offset < body.byteLength; offset += 60_000) {
    while (credit <= 0) credit += (await gateway.inbox.next("credit", 2)).bytes;
    const bytes = body.subarray(offset, offset + 60_000);
    gateway.send({ type: "data", stream: 2, bytes });
    credit -= bytes.byteLength;
  }
  gateway.send({ type: "end", stream: 2 });
  const stored = await gateway.inbox.next("head", 2);
  expect(stored.head.status).toBe(200);
  await gateway.inbox.next("end", 1);
  const parts = gateway.inbox.frames.filter((frame) => frame.stream === 1 && creditCost(frame) > 0).map(bytesOf);
  expect(sha(Buffer.concat(parts))).toBe(sha(body));
  expect(uploaded).toBe(sha(body));
  expect(relay.cuts).toBeGreaterThan(5);
});

/** Two chats and a download that never ends, at a real origin; connections to the gateway in memory. */
async function openThree() {
  const closes: [string, number][] = [];
  const aborted = Promise.withResolvers<void>();
  let chats = 0;
  const firstClosed = Promise.withResolvers<void>();
  const allClosed = Promise.withResolvers<void>();
  const openStream = await serve(
    (_request, response) => {
      response.write("endless");
      response.on("close", () => aborted.resolve());
    },
    (socket) => {
      const name = `chat ${++chats}`;
      socket.send(name);
      socket.on("message", (data) => socket.send(data));
      socket.on("close", (code) => {
        closes.push([name, code]);
        firstClosed.resolve();
        if (closes.length === chats) allClosed.resolve();
      });
    },
  );
  const memory = new MemoryTunnel(openStream);
  cleanUps.push(() => memory.tunnel.link?.end("test over"));
  memory.gateway.send({ type: "open", stream: 1, head: openHead({ kind: "ws" }) });
  await memory.gateway.inbox.next("text");
  memory.gateway.send(
    { type: "open", stream: 2, head: openHead({ kind: "ws" }) },
    { type: "open", stream: 3, head: openHead() },
  );
  await memory.gateway.inbox.next("text");
  await memory.gateway.inbox.next("head", 3);
  const { promise: oneClosed } = firstClosed;
  return { memory, closes, aborted: aborted.promise, oneClosed, allClosed: allClosed.promise };
}

test("a WELCOME instead of RESUMED closes every socket at the origin with 1001, and aborts requests", async () => {
  const { memory, closes, aborted, allClosed } = await openThree();
  memory.cut();
  memory.connect((wire) => memory.gateway.welcome(wire));
  await Promise.all([aborted, allClosed]);
  expect(closes.toSorted()).toEqual([
    ["chat 1", 1001],
    ["chat 2", 1001],
  ]);
});

test("the end of the grace does the same, without any connection", async () => {
  const { memory, closes, aborted, allClosed } = await openThree();
  memory.cut();
  memory.clock.advance(RESUME_GRACE_MS);
  await Promise.all([aborted, allClosed]);
  expect(closes.map(([, code]) => code)).toEqual([1001, 1001]);
});

test("a hole closes at the origin exactly what the gateway lost, and the rest goes on", async () => {
  const { memory, closes, aborted, oneClosed } = await openThree();
  memory.die();
  memory.gateway.send({ type: "text", stream: 1, bytes: Buffer.from("gone") });
  memory.cut();
  memory.gateway.forget();
  memory.gateway.dropped.add(1).add(3);
  memory.connect();
  await Promise.all([aborted, oneClosed]);
  memory.gateway.send({ type: "text", stream: 2, bytes: Buffer.from("still here") });
  expect(Buffer.from((await memory.gateway.inbox.next("binary")).bytes).toString()).toBe("still here");
  expect(closes).toEqual([["chat 1", 1001]]);
});

test("a stop at its deadline sends browsers away with 1012, closes chats at the origin with 1001, and aborts", async () => {
  const { memory, closes, aborted, allClosed } = await openThree();
  memory.tunnel.leave();
  memory.clock.advance(DRAIN_MS);
  await Promise.all([aborted, allClosed]);
  const restarting = { type: "close", code: 1012, reason: "restarting" };
  expect(memory.gateway.inbox.frames.slice(-3)).toMatchObject([
    { ...restarting, stream: 1 },
    { ...restarting, stream: 2 },
    { type: "reset", stream: 3, code: RESET_CODES.shutting_down },
  ]);
  expect(closes.map(([, code]) => code)).toEqual([1001, 1001]);
});

async function allFrames(gateway: Gateway, type: Frame["type"], count: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  while (frames.length < count) frames.push(await gateway.inbox.next(type, 1));
  return frames;
}

function bytesOf(frame: Frame): Uint8Array {
  if (frame.type === "head") return frame.body;
  return "bytes" in frame && typeof frame.bytes !== "number" ? frame.bytes : new Uint8Array(0);
}
