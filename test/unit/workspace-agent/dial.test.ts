import { verify } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { assertionTranscript, decodeMessage, helloTranscript } from "#protocol/messages.ts";
import { type DialEnd, dial } from "../../../workspace-agent/connection/dial.ts";
import { agent, Edge, stranger, welcome } from "./support/edge.ts";

let edge: Edge;

afterEach(() => edge.stop());

async function dialEdge(connected: (socket: WebSocket) => void, welcomed = () => {}): Promise<DialEnd> {
  edge = new Edge(connected);
  await edge.start();
  const { signal } = new AbortController();
  return dial({ identity: edge.identity(), boot: 3, attempt: 7, now: Date.now, signal, welcomed });
}

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
  expect(end).toEqual({ code: 1000, reason: "enough", welcomed: true });
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
    () => expect.unreachable(),
  );
  expect(end).toMatchObject({ welcomed: false, reason });
  expect(answered).toBe(false);
  expect(closed).toEqual([4400, reason]);
});

test("an upgrade that is refused ends the attempt with its status", async () => {
  edge = new Edge(() => {});
  await edge.start();
  const identity = { ...edge.identity(), url: new URL("http://127.0.0.1:1") };
  const { signal } = new AbortController();
  const end = await dial({ identity, boot: 1, attempt: 1, now: Date.now, signal, welcomed: () => {} });
  expect(end).toEqual({ code: 1006, reason: "ECONNREFUSED", welcomed: false });
});

test("an edge that has not proved itself cannot say superseded, which would stop the agent for good", async () => {
  const end = await dialEdge((socket) => socket.close(4409, "superseded"));
  expect(end).toEqual({ code: 1006, reason: "superseded", welcomed: false });
});

test("one that has may say it before the welcome", async () => {
  const end = await dialEdge((socket) => {
    socket.send(edge.challenge().message);
    socket.on("message", () => socket.close(4409, "superseded"));
  });
  expect(end).toEqual({ code: 4409, reason: "superseded", welcomed: false });
});
