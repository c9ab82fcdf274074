import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { writeAgentSettings } from "../../scripts/agent.ts";
import { startEdge, type Edge } from "../../scripts/edge.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { listDescendants } from "../../scripts/processes.mjs";
import { gatewayPublicKey, openAgentKey, openSecrets } from "../../scripts/secrets.ts";
import { startBulkOrigin, type BulkOrigin } from "../support/bulk-origin.ts";

const MIB = 1024 * 1024;
const BULK_BYTES = 200 * MIB;
/** What a process may gain while 200 MiB pass through it: windows, chunks in flight, and garbage not yet collected. */
const FLAT_BYTES = 128 * MIB;

let edge: Edge;
let origin: BulkOrigin;
let agent: ChildProcess;
let home: string;
let port: number;
let cookie: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tidegate-bulk-"));
  const secrets = openSecrets(home);
  const folder = join(home, "agent");
  const { agentId, publicKey } = openAgentKey(folder);
  port = await findFreePort();
  origin = await startBulkOrigin();
  const url = `http://localhost:${port}`;
  edge = await startEdge({
    port,
    stateFolder: join(home, "edge"),
    gatewayVars: {
      AUTHSEC_MODE: "stub",
      ENVIRONMENT: "development",
      PUBLIC_URL: url,
      STUB_USERS: "alice@example.com",
      SESSION_SECRET: secrets.sessionSecret,
      AGENT_KEYS: `${agentId}:${publicKey}`,
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey },
    entries: {
      gateway: join(rootFolder, "test/chaos/edge/unlimited-gateway.ts"),
      tenant: join(rootFolder, "durable-objects/index.ts"),
    },
  });
  writeAgentSettings(folder, {
    agentId,
    url,
    tenant: "default",
    gatewayKey: gatewayPublicKey(secrets.storageKey, "default"),
    openclawUrl: `http://127.0.0.1:${origin.port}`,
    workspace: home,
    userHeader: secrets.userHeader,
    localAddress: "127.77.0.1",
    publicHost: `localhost:${port}`,
  });
  agent = spawn(process.execPath, ["test/support/tunnel-only-agent.ts", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(agent.stdout!, "data");
  const signedIn = await fetch(`${url}/_gate/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, "content-type": "application/x-www-form-urlencoded" },
    body: "email=alice@example.com",
  });
  cookie = (signedIn.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";
});

afterAll(async () => {
  agent?.kill();
  await edge?.dispose();
  origin?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Resident bytes of workerd and of the agent, and the most they gained since {@link watchMemory}. */
function watchMemory(): () => { workerd: number; agent: number } {
  const workerds = listDescendants(process.pid)
    .map(({ pid }) => pid)
    .filter((pid) => commandOf(pid).includes("workerd"));
  const resident = () => ({ workerd: sum(workerds.map(residentBytes)), agent: residentBytes(agent.pid ?? 0) });
  const before = resident();
  const most = { ...before };
  const sample = () => {
    const now = resident();
    most.workerd = Math.max(most.workerd, now.workerd);
    most.agent = Math.max(most.agent, now.agent);
  };
  const timer = setInterval(sample, 20);
  return () => {
    clearInterval(timer);
    sample();
    return { workerd: most.workerd - before.workerd, agent: most.agent - before.agent };
  };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** One download; with `stall`, its reader never reads. */
function download(bytes: number, stall: boolean) {
  const call = request({ port, path: `/down?bytes=${bytes}`, headers: { host: `localhost:${port}`, cookie } });
  const done = Promise.withResolvers<number>();
  call.on("response", (response) => {
    if (stall) {
      response.pause();
      return;
    }
    let received = 0;
    response.on("data", (chunk: Buffer) => (received += chunk.byteLength));
    response.on("end", () => done.resolve(received));
    response.on("error", done.reject);
  });
  call.on("error", () => undefined);
  call.end();
  return { done: done.promise, abort: () => call.destroy() };
}

test("200 MiB down arrive whole, and memory stays flat", async () => {
  await download(8 * MIB, false).done;
  const gained = watchMemory();
  expect(await download(BULK_BYTES, false).done).toBe(BULK_BYTES);
  const { workerd, agent } = gained();
  console.log(`200 MiB down: workerd +${Math.round(workerd / MIB)} MiB, agent +${Math.round(agent / MIB)} MiB`);
  expect(workerd).toBeLessThan(FLAT_BYTES);
  expect(agent).toBeLessThan(FLAT_BYTES);
});

test("200 MiB up arrive byte for byte, and memory stays flat", async () => {
  const gained = watchMemory();
  const chunk = randomBytes(MIB);
  const hash = createHash("sha256");
  const headers = { host: `localhost:${port}`, cookie, origin: `http://localhost:${port}` };
  const call = request({ method: "POST", port, path: "/api/media/bulk", headers });
  const answered = once(call, "response");
  for (let sent = 0; sent < BULK_BYTES; sent += chunk.byteLength) {
    chunk.writeUInt32BE(sent);
    hash.update(chunk);
    if (!call.write(Buffer.from(chunk))) await once(call, "drain");
  }
  call.end();
  const [response] = (await answered) as [AsyncIterable<Buffer>];
  let text = "";
  for await (const part of response) text += String(part);
  expect(JSON.parse(text)).toEqual({ bytes: BULK_BYTES, sha256: hash.digest("hex") });
  const { workerd, agent } = gained();
  console.log(`200 MiB up: workerd +${Math.round(workerd / MIB)} MiB, agent +${Math.round(agent / MIB)} MiB`);
  expect(workerd).toBeLessThan(FLAT_BYTES);
  expect(agent).toBeLessThan(FLAT_BYTES);
});

test("a reader that stalls costs a window, not the download, and nobody else waits for it", async () => {
  const gained = watchMemory();
  const stalled = download(BULK_BYTES, true);
  let former = -1;
  // Still for a second: whatever buffers there are on the way are full.
  await expect
    .poll(
      () => {
        const still = origin.sent === former && origin.sent > 0;
        former = origin.sent;
        return still;
      },
      { interval: 1_000, timeout: 30_000 },
    )
    .toBe(true);
  expect(origin.sent).toBeLessThan(32 * MIB);
  const small = await fetch(`http://localhost:${port}/small`, { headers: { cookie } });
  expect(await small.text()).toBe("small");
  stalled.abort();
  expect(gained().workerd).toBeLessThan(FLAT_BYTES);
});

test("a WebSocket message of 20 MiB crosses both ways byte for byte, between small ones in order", async () => {
  const socket = new WebSocket(`ws://localhost:${port}/`, {
    headers: { cookie, origin: `http://localhost:${port}` },
    maxPayload: 32 * MIB,
  });
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  const all = Promise.withResolvers<void>();
  socket.on("message", (data, isBinary) => {
    messages.push({ data: data as Buffer, isBinary });
    if (messages.length === 4) all.resolve();
  });
  socket.on("close", (code, reason) => all.reject(new Error(`closed ${code} ${String(reason)}`)));
  await once(socket, "open");
  const large = randomBytes(20 * MIB);
  socket.send("before");
  socket.send(large);
  socket.send("after");
  await all.promise;
  expect(messages.map(({ data, isBinary }) => (isBinary ? data.byteLength : String(data)))).toEqual([
    "hello",
    "before",
    20 * MIB,
    "after",
  ]);
  expect(messages[2]?.data.equals(large)).toBe(true);
  socket.removeAllListeners("close");
  socket.close();
});
