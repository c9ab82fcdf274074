import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { MAX_HELD_PER_SESSION } from "#protocol/limits.ts";
import type { Child } from "../../scripts/keep-running.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { type LocalGateway, startLocalGateway, USER_HEADER } from "../support/local-gateway.ts";
import { startStandInOrigin, type StandInOrigin } from "../support/stand-in-origin.ts";

const READY_MS = 30_000;

let folder: string;
let origin: StandInOrigin;
let gateway: LocalGateway;
let agent: Child;
let opened = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-hold-"));
  origin = await startStandInOrigin({
    userHeader: USER_HEADER,
    request: (_request, response) => void response.end("served"),
    socket: (socket) => {
      opened += 1;
      socket.send("hello");
    },
  });
  gateway = await startLocalGateway({
    home: folder,
    port: await findFreePort(),
    originPort: origin.port,
    users: "alice@example.com",
  });
  agent = gateway.startAgent(() => {});
  await gateway.ready(READY_MS);
});
afterAll(async () => {
  await agent?.stop();
  await gateway?.edge.dispose();
  origin?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An upgrade as a browser sends it, on a connection that the test can break. */
async function rawUpgrade(cookie: string): Promise<Socket> {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  const lines = [
    "GET / HTTP/1.1",
    `Host: ${gateway.host}`,
    `Origin: ${gateway.origin}`,
    `Cookie: ${cookie}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return socket;
}

async function openSocket(cookie: string): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: gateway.host, cookie, origin: gateway.origin },
  });
  const [first] = (await once(socket, "message")) as [Buffer];
  socket.terminate();
  return first.toString();
}

function get(cookie: string): Promise<Response> {
  return fetch(`http://localhost:${gateway.port}/`, { headers: { cookie } });
}

test("upgrades wait for a killed agent; those whose client left by RST meanwhile open nothing at OpenClaw", async () => {
  const cookie = await gateway.signIn("alice@example.com");
  expect(await openSocket(cookie)).toBe("hello");
  agent.kill();
  await agent.exited;
  // The object hears of the killed process by its connection's end.
  while (await gateway.isReady());
  const before = opened;
  const leaving = [];
  for (let n = 0; n < MAX_HELD_PER_SESSION; n++) leaving.push(await rawUpgrade(cookie));
  // One more is answered at once: proof that the four are held now, and not still on their way.
  while ((await get(cookie)).status !== 503);
  for (const socket of leaving) socket.resetAndDestroy();

  const staying = openSocket(cookie);
  agent = gateway.startAgent(() => {});
  expect(await staying).toBe("hello");
  expect(await (await get(cookie)).text()).toBe("served");
  expect(opened - before).toBe(1);
});
