import { verify } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { ProtocolError } from "#protocol/errors.ts";
import { assertionTranscript, decodeMessage, encodeBatch, encodeResumed, helloTranscript } from "#protocol/messages.ts";
import { type DialEnd, type DialOptions, dial } from "../../workspace-agent/connection/dial.ts";
import { agent, Edge, stranger, welcome } from "./support/edge.ts";

let edge: Edge;

afterEach(() => edge.stop());

async function dialEdge(connected: (socket: WebSocket) => void, options: Partial<DialOptions> = {}): Promise<DialEnd> {
  edge = new Edge(connected);
  await edge.start();
  const { signal } = new AbortController();
  return dial({ identity: edge.identity(), ...plain, boot: 3, attempt: 7, signal, ...options });
}

const plain = { boot: 1, attempt: 1, now: Date.now, resume: () => null, greeted: () => {} };

test("the agent asserts its name at the upgrade and proves its key over the whole exchange", async () => {
  let proven = false;
  const end = await dialEdge((socket) => {
    const { message, json } = edge.challenge();
    socket.send(message);
    socket.on("message", (data) => {
      const hello = decodeMessage(data as Buffer);
      if (hello.type !== "hello") return;
      const { signature, value } = hello.message;
      proven = verify(null, helloTranscript(json, hello.message.json), agent.publicKey, signature);
      expect(value).toMatchObject({ boot: 3, attempt: 7 });
      socket.send(welcome);
      socket.close(1000, "enough");
    });
  });
  expect(end).toEqual({ code: 1000, reason: "enough", proven: true, greeted: true });
  expect(proven).toBe(true);
  const [request] = edge.upgrades;
  const [, id = "", seconds = "", signature = ""] =
    /^Tidegate ([^.]+)\.(\d+)\.([^.]+)$/.exec(request?.headers.authorization ?? "") ?? [];
  const transcript = assertionTranscript(edge.host, id, Number(seconds));
  expect(verify(null, transcript, agent.publicKey, Buffer.from(signature, "base64url"))).toBe(true);
  expect(request?.url).toBe("/_gate/tunnel");
  expect(request?.headers["sec-websocket-protocol"]).toBe("tidegate.v1");
  expect(request?.headers["sec-websocket-extensions"]).toBeUndefined();
});

test.each([
  ["signed by another key", () => edge.challenge({}, stranger.privateKey), "bad_signature"],
  ["for another tenant", () => edge.challenge({ tenant: "other" }), "bad_field"],
  ["for another host", () => edge.challenge({ host: "evil.example" }), "bad_field"],
  ["for another agent", () => edge.challenge({ agent: "agent-0002" }), "bad_field"],
  ["from yesterday", () => edge.challenge({ time: Math.floor(Date.now() / 1000) - 86_400 }), "stale_challenge"],
  ["from the future", () => edge.challenge({ time: Math.floor(Date.now() / 1000) + 120 }), "stale_challenge"],
  ["skipped for a welcome", () => ({ message: welcome }), "unexpected_message"],
])("a challenge %s ends the connection before the agent proves or opens anything", async (_name, make, reason) => {
  let answered = false;
  let closed: [number, string] | undefined;
  const end = await dialEdge(
    (socket) => {
      socket.send(make().message);
      // A gateway that goes on as if all were well.
      socket.send(welcome);
      socket.on("message", () => (answered = true));
      socket.on("close", (code, text) => (closed = [code, text.toString()]));
    },
    { greeted: () => expect.unreachable() },
  );
  expect(end).toMatchObject({ proven: false, greeted: false, reason });
  expect(answered).toBe(false);
  expect(closed).toEqual([4400, reason]);
});

test("an upgrade that is refused ends the attempt with its status", async () => {
  edge = new Edge(() => {});
  await edge.start();
  const identity = { ...edge.identity(), url: new URL("http://127.0.0.1:1") };
  const { signal } = new AbortController();
  const end = await dial({ ...plain, identity, signal });
  expect(end).toEqual({ code: 1006, reason: "ECONNREFUSED", proven: false, greeted: false });
});

/** Proves itself, and answers HELLO with `answer`. */
function proveAndSend(answer: Uint8Array): (socket: WebSocket) => void {
  return (socket) => {
    socket.send(edge.challenge().message);
    socket.once("message", () => socket.send(answer));
  };
}

test("HELLO names the link as it is when it is sent, and RESUMED is handed on", async () => {
  const resume = { link: "link-00000001", received: 7 };
  const greetings: unknown[] = [];
  let hello: unknown;
  await dialEdge(
    (socket) => {
      socket.send(edge.challenge().message);
      socket.once("message", (data) => {
        const message = decodeMessage(data as Buffer);
        if (message.type === "hello") hello = message.message.value.resume;
        socket.send(encodeResumed({ received: 3, next: 8, live: [1, 5] }));
        socket.close(1000);
      });
    },
    { resume: () => resume, greeted: (greeting) => void greetings.push(greeting) },
  );
  expect(hello).toEqual(resume);
  expect(greetings).toEqual([{ type: "resumed", resumed: { received: 3, next: 8, live: [1, 5] } }]);
});

test.each([
  ["RESUMED that nobody asked for", encodeResumed({ received: 0, next: 1, live: [] })],
  ["a batch", encodeBatch(1, 0, [Uint8Array.of(1)])],
])("%s instead of a greeting is unexpected", async (_name, message) => {
  const end = await dialEdge(proveAndSend(message), { greeted: () => expect.unreachable() });
  expect(end).toMatchObject({ code: 4400, reason: "unexpected_message", proven: true, greeted: false });
});

test.each([
  ["a breach", new ProtocolError("bad_acknowledgement"), 4400, "bad_acknowledgement"],
  ["a fault of this process", new TypeError("secret"), 1011, "internal_error"],
])(
  "a greeting that turns out to be %s closes that connection, and nothing is thrown",
  async (_name, error, code, reason) => {
    const greeted = () => {
      throw error;
    };
    expect(await dialEdge(proveAndSend(welcome), { greeted })).toMatchObject({ code, reason });
  },
);

test("a stop in the middle of the handshake ends the attempt, whatever comes after it", async () => {
  const controller = new AbortController();
  const end = await dialEdge(
    (socket) => {
      socket.send(edge.challenge().message);
      socket.once("message", () => {
        controller.abort();
        socket.send(welcome);
      });
    },
    { signal: controller.signal, greeted: () => expect.unreachable() },
  );
  expect(end).toMatchObject({ code: 1001, greeted: false });
});

test("an edge that has not proved itself cannot say superseded, which would stop the agent for good", async () => {
  const end = await dialEdge((socket) => socket.close(4409, "superseded"));
  expect(end).toEqual({ code: 4409, reason: "superseded", proven: false, greeted: false });
});

test("one that has may say it before the welcome", async () => {
  const end = await dialEdge((socket) => {
    socket.send(edge.challenge().message);
    socket.on("message", () => socket.close(4409, "superseded"));
  });
  expect(end).toEqual({ code: 4409, reason: "superseded", proven: true, greeted: false });
});
