import { expect, test } from "vitest";
import type { Frame } from "#protocol/frame.ts";
import { MAX_CHUNK_BYTES } from "#protocol/limits.ts";
import { SendWindow } from "../../workspace-agent/connection/send-window.ts";
import type { StreamPort } from "../../workspace-agent/streams/stream.ts";
import { MemoryTunnel } from "./support/memory-tunnel.ts";
import { openHead } from "./support/peer.ts";

/** @returns a tunnel with one download that always has more to send, and how many bytes it was let send */
function download() {
  let sent = 0;
  let port: StreamPort | undefined;
  const tunnel = new MemoryTunnel((stream, _head, streamPort) => {
    port = streamPort;
    return {
      ready: true,
      sendSome: (limitBytes) => {
        sent += limitBytes;
        streamPort.queue({ type: "data", stream, bytes: new Uint8Array(limitBytes) });
      },
      receive: () => {},
      abandon: () => {},
      stop: () => {},
    };
  });
  tunnel.gateway.autoAcknowledge = false;
  tunnel.gateway.send({ type: "open", stream: 1, head: openHead() });
  return { tunnel, sent: () => sent, wake: () => port?.wake() };
}

const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const isData = (frame: Frame) => frame.type === "data";

test("bodies stop at what the gateway has not acknowledged, and go on when it has", async () => {
  const { tunnel, sent, wake } = download();
  wake();
  await settle();
  const first = sent();
  const { bytes } = new SendWindow();
  expect(first).toBeGreaterThan(bytes - MAX_CHUNK_BYTES);
  expect(first).toBeLessThanOrEqual(bytes + MAX_CHUNK_BYTES);
  tunnel.gateway.acknowledge();
  await settle();
  expect(sent()).toBeGreaterThan(first);
});

test("no batch is so large that a slow uplink would look like silence", async () => {
  const { tunnel, wake } = download();
  wake();
  await settle();
  const largest = Math.max(...tunnel.gateway.batches.map((frames) => frames.filter(isData).length));
  expect(largest * MAX_CHUNK_BYTES).toBe(256 * 1024);
});

test("bodies stop while the connection's buffer is full", async () => {
  const { tunnel, sent, wake } = download();
  tunnel.connection.bufferedAmount = 2 * 1024 * 1024;
  wake();
  await settle();
  expect(sent()).toBe(0);
  tunnel.connection.bufferedAmount = 0;
  wake();
  await settle();
  expect(sent()).toBeGreaterThan(0);
});

test("bodies stop while there is no connection, and go on by themselves with the next", async () => {
  const { tunnel, sent, wake } = download();
  tunnel.cut();
  wake();
  await settle();
  expect(sent()).toBe(0);
  tunnel.connect();
  await settle();
  expect(sent()).toBeGreaterThan(0);
});
