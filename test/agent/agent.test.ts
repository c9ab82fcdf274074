import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { RESET_CODES } from "#protocol/errors.ts";
import { decodeMessage } from "#protocol/messages.ts";
import { runAgent } from "../../workspace-agent/agent.ts";
import type { AgentConfig } from "../../workspace-agent/config.ts";
import type { AgentEvent } from "../../workspace-agent/log.ts";
import { trustedCertificate } from "./support/certificate.ts";
import { Edge, stranger } from "./support/edge.ts";
import { Gateway } from "./support/gateway.ts";
import { openHead } from "./support/peer.ts";

let workspace: string;
let edge: Edge;
let origin: Server;
let connections = 0;
const responses: ServerResponse[] = [];

beforeEach(async () => {
  workspace = mkdtempSync(join(tmpdir(), "tidegate-"));
  origin = createServer((_request, response) => {
    responses.push(response);
    response.write("first ");
  });
  origin.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  edge.stop();
  origin.closeAllConnections();
  origin.close();
  rmSync(workspace, { recursive: true });
});

/** Runs the whole agent against `edge`. */
function run(fields: Partial<AgentConfig> = {}, controller = new AbortController()) {
  const events: AgentEvent[] = [];
  const identity = edge.identity();
  const config: AgentConfig = {
    ...identity,
    openclaw: {
      host: "127.0.0.1",
      port: (origin.address() as AddressInfo).port,
      localAddress: "127.77.0.1",
      userHeader: "x-user",
    },
    workspaces: [workspace],
    publicUrl: identity.url.origin,
    pass: null,
    openclawPassword: null,
    grantsAdmins: true,
    proxy: null,
    metricsPort: null,
    ...fields,
  };
  const outcome = runAgent(config, 1, (event) => void events.push(event), controller.signal, {
    keepPass: () => {},
    readGranted: () => new Map(),
    writeGranted: () => {},
  });
  return { outcome, events, stop: () => controller.abort() };
}

/** A gateway that proves itself and serves one played link. */
async function serve() {
  const gateway = new Gateway();
  const closed = Promise.withResolvers<[number, string]>();
  edge = new Edge((socket) => {
    const wire = { send: (message: Uint8Array) => socket.send(message) };
    socket.send(edge.challenge().message);
    socket.once("message", (data) => {
      const hello = decodeMessage(data as Buffer);
      if (hello.type === "hello") gateway.greet(wire, hello.message.value.resume);
      socket.on("message", (bytes) => gateway.receive(wire, bytes as Buffer));
    });
    socket.on("close", (code, reason) => closed.resolve([code, reason.toString()]));
  });
  await edge.start();
  return { gateway, closed: closed.promise };
}

test("a fake gateway with a valid certificate, and a key that is not the pinned one, opens nothing", async () => {
  const closes = Promise.withResolvers<[number, string]>();
  let answered = false;
  edge = new Edge((socket: WebSocket) => {
    const fake = new Gateway();
    const wire = { send: (message: Uint8Array) => socket.send(message) };
    socket.send(edge.challenge({}, stranger.privateKey).message);
    socket.on("message", () => (answered = true));
    socket.on("close", (code, reason) => closes.resolve([code, reason.toString()]));
    // It goes on as if all were well, and even says that a newer agent runs elsewhere.
    fake.welcome(wire);
    fake.send({ type: "open", stream: 1, head: openHead() });
    fake.send({ type: "open", stream: 2, head: openHead({ kind: "ws" }) });
  }, trustedCertificate());
  await edge.start();
  const agent = run();
  expect(await closes.promise).toEqual([4400, "bad_signature"]);
  agent.stop();
  expect(await agent.outcome).toBe("stopped");
  expect(agent.events).not.toContain("tunnel.connected");
  expect(answered).toBe(false);
  expect(connections).toBe(0);
});

test("a stop lets a download end, and says goodbye", async () => {
  const { gateway, closed } = await serve();
  const agent = run();
  await gateway.connected;
  gateway.send({ type: "open", stream: 1, head: openHead() });
  await gateway.inbox.next("head");
  gateway.send({ type: "open", stream: 2, head: openHead({ kind: "ws", method: "GET", routeClass: "gateway" }) });
  const refused = await gateway.inbox.next("reset", 2);
  // Nobody is in the roster: the identity gate stands before OpenClaw in the assembled agent, too.
  expect(refused.code).toBe(RESET_CODES.identity_unwritten);
  agent.stop();
  responses[0]?.end("last");
  expect(await closed).toEqual([1001, "shutting_down"]);
  expect(await agent.outcome).toBe("stopped");
  expect(gateway.goaways).toEqual(["shutting_down"]);
  const body = gateway.inbox.frames.map((frame) => {
    if (frame.type === "head") return Buffer.from(frame.body).toString();
    return frame.type === "data" ? Buffer.from(frame.bytes).toString() : "";
  });
  expect(body.join("")).toBe("first last");
  expect(gateway.inbox.frames.at(-1)?.type).toBe("end");
});

test("with nothing open a stop is over at once", async () => {
  const { gateway, closed } = await serve();
  const agent = run();
  await gateway.connected;
  agent.stop();
  expect(await agent.outcome).toBe("stopped");
  expect((await closed)[0]).toBe(1001);
});

test("a stop while the gateway is away is over at once", async () => {
  const { gateway } = await serve();
  const agent = run();
  await gateway.connected;
  edge.stop();
  agent.stop();
  expect(await agent.outcome).toBe("stopped");
});

test("a metrics port that is taken is a wrong configuration", async () => {
  await serve();
  const taken = createTcpServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  await expect(run({ metricsPort: port }).outcome).rejects.toThrow("TIDEGATE_METRICS_PORT: EADDRINUSE");
  taken.close();
});
