/** Every workload, one round of it against one target. A round's answer is a flat record of numbers. */
import { setTimeout as sleep } from "node:timers/promises";
import { MemoryWatch, residentBytes } from "../test/support/resident-memory.ts";
import type { Load } from "./children.ts";
import type { FullTarget, Target } from "./target.ts";

const MIB = 1024 * 1024;
const IN_FLIGHT = 64;
const BULK_STREAMS = 4;
const CLOSE_WAIT_MS = 5_000;

export type Round = Record<string, number>;

export interface Sizes {
  rounds: number;
  getMs: number;
  echoMs: number;
  bulkBytes: number;
  idleSockets: number;
  revokedSockets: number;
}

export async function measureGets(load: Load, target: Target, connections: number, sizes: Sizes): Promise<Round> {
  const { address } = target;
  const { perSecond, p50, p99, errors } = await load.do({ type: "get", address, connections, durationMs: sizes.getMs });
  return { perSecond, p50Ms: p50, p99Ms: p99, errors };
}

export async function measureEcho(load: Load, target: Target, bytes: number, sizes: Sizes): Promise<Round> {
  const job = { type: "echo", address: target.address, bytes, durationMs: sizes.echoMs } as const;
  const alone = await load.do({ ...job, inFlight: 1 });
  const many = await load.do({ ...job, inFlight: IN_FLIGHT });
  const errors = alone.errors + many.errors;
  return { p50Ms: alone.p50, p99Ms: alone.p99, perSecondInFlight64: many.perSecond, errors };
}

export async function measureBulk(load: Load, target: Target, direction: "down" | "up", sizes: Sizes): Promise<Round> {
  const { address } = target;
  const bytes = sizes.bulkBytes;
  const memory = new MemoryWatch({ workerd: () => target.workerd, agent: () => target.agent });
  const volume =
    direction === "down"
      ? await load.do({ type: "down", address, bytes, streams: 1 })
      : await load.do({ type: "up", address, bytes });
  const peaks = memory.stop();
  return {
    mbPerSecond: volume.bytes / 1e6 / volume.seconds,
    workerdPeakMib: peaks.workerd / MIB,
    agentPeakMib: peaks.agent / MIB,
  };
}

/** A small request alone, then while four downloads take all there is. */
export async function measureBesideBulk(load: Load, bulk: Load, target: Target, sizes: Sizes): Promise<Round> {
  const { address } = target;
  const get = { type: "get", address, connections: 1, durationMs: sizes.getMs } as const;
  const idle = await load.do(get);
  let busy = true;
  const downloads = (async () => {
    while (busy) await bulk.do({ type: "down", address, bytes: sizes.bulkBytes / 4, streams: BULK_STREAMS });
  })();
  const beside = await load.do(get);
  busy = false;
  await downloads;
  return {
    idleP50Ms: idle.p50,
    besideP50Ms: beside.p50,
    besideP99Ms: beside.p99,
    slower: beside.p50 / idle.p50,
    errors: idle.errors + beside.errors,
  };
}

export async function measureIdle(load: Load, target: Target, sizes: Sizes): Promise<Round> {
  const resident = () => ({ workerd: residentBytes(target.workerd), agent: residentBytes(target.agent) });
  const before = resident();
  await load.do({ type: "open", address: target.address, sockets: sizes.idleSockets });
  await sleep(1_000);
  const after = resident();
  await load.do({ type: "close" });
  return {
    workerdMib: after.workerd / MIB,
    agentMib: after.agent / MIB,
    workerdGainedMib: (after.workerd - before.workerd) / MIB,
    agentGainedMib: (after.agent - before.agent) / MIB,
  };
}

/** From the call that signs out to the sockets that it closes. */
export async function measureRevocation(load: Load, target: FullTarget, sizes: Sizes): Promise<Round> {
  const cookie = await target.signIn();
  const address = { ...target.address, cookies: [cookie] };
  await load.do({ type: "open", address, sockets: sizes.revokedSockets });
  const closings = load.do({ type: "watch", waitMs: CLOSE_WAIT_MS });
  const began = performance.timeOrigin + performance.now();
  await target.signOut(cookie);
  const answeredMs = performance.timeOrigin + performance.now() - began;
  const { at, ended } = await closings;
  const times = at.map((time) => time - began);
  await load.do({ type: "close" });
  times.sort((one, other) => one - other);
  return {
    answeredMs,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
    lastMs: times.at(-1) ?? Number.NaN,
    closed: times.length,
    connectionsEnded: ended,
  };
}
