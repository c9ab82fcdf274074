/** What befalls the tunnel, in a seeded order: cuts, agent kills, evictions, outages, and bad weather all the while. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "./chance.ts";
import type { CutKind, CuttingProxy } from "./cutting-proxy.ts";

export interface FaultCounts {
  cuts: number;
  kills: number;
  evictions: number;
}

/** What the faults are done to. */
export interface Victims {
  proxy: CuttingProxy;
  /** Ends the agent's process as a crash does; it is started again after `pauseMs`. */
  killAgent(pauseMs: number): Promise<void>;
  /** @returns false when the object was busy and stayed */
  evict(): Promise<boolean>;
  /** Rests the transfers, so that nothing pins the object. */
  lull(on: boolean): void;
}

const MIB = 1024 * 1024;
const CUT_KINDS: readonly [CutKind, ...CutKind[]] = ["rst", "rst", "fin", "fin", "agent-first", "edge-first"];
/** A cut comes after the connection is up, but does not wait longer than this for one. */
const ESTABLISH_WAIT_MS = 45_000;
const POLL_MS = 10;

type Fault = "cut" | "kill" | "evict";

/** Deals every fault, or as many as fit before `deadline`. @returns what happened */
export async function dealFaults(
  wanted: FaultCounts,
  victims: Victims,
  chance: Chance,
  deadline: number,
): Promise<FaultCounts & { outages: number; refusedEvictions: number; awayMs: number }> {
  const done = { cuts: 0, kills: 0, evictions: 0, outages: 0, refusedEvictions: 0, awayMs: 0 };
  const weather = changeWeather(victims.proxy, chance.fork());
  for (const { faults, lull } of phases(wanted, chance)) {
    victims.lull(lull);
    for (const fault of faults) {
      if (Date.now() > deadline) break;
      // A gap with a connection: whatever came before has been mended.
      done.awayMs += await waitForConnection(victims.proxy);
      await sleep(gap(chance));
      if (fault === "kill") {
        await victims.killAgent(chance.between(0, 1_500));
        done.kills += 1;
      } else if (fault === "evict") {
        if (await victims.evict()) done.evictions += 1;
        else done.refusedEvictions += 1;
      } else {
        const kind = chance.pick(CUT_KINDS);
        if (!victims.proxy.cut(kind, chance.between(200, 4_000))) continue;
        done.cuts += 1;
        if (!chance.happens(0.06)) continue;
        // The network stays away for a while, rarely for long.
        victims.proxy.refusingUntil = Date.now() + (chance.happens(0.1) ? 10_000 : chance.between(300, 3_000));
        done.outages += 1;
      }
    }
  }
  victims.lull(false);
  weather();
  return done;
}

/** First sockets alone, with every eviction: an object is not evicted while a transfer pins it. Then everything. */
function phases(wanted: FaultCounts, chance: Chance): { faults: Fault[]; lull: boolean }[] {
  const cuts = Math.min(wanted.cuts, 2 * wanted.evictions);
  const kills = Math.min(wanted.kills, Math.floor(wanted.evictions / 4));
  const quiet = [...repeat("evict", wanted.evictions), ...repeat("cut", cuts), ...repeat("kill", kills)];
  const busy = [...repeat("cut", wanted.cuts - cuts), ...repeat("kill", wanted.kills - kills)];
  return [
    { faults: chance.shuffle(quiet), lull: true },
    { faults: chance.shuffle(busy), lull: false },
  ];
}

function repeat(fault: Fault, times: number): Fault[] {
  return Array.from({ length: times }, () => fault);
}

/** Mostly short, sometimes long enough for a large message or a whole body to get through. */
function gap(chance: Chance): number {
  if (chance.happens(0.5)) return chance.between(10, 150);
  return chance.happens(0.9) ? chance.between(150, 600) : chance.between(1_000, 3_000);
}

async function waitForConnection(proxy: CuttingProxy): Promise<number> {
  const began = Date.now();
  while (!proxy.isEstablished && Date.now() - began < ESTABLISH_WAIT_MS) await sleep(POLL_MS);
  return Date.now() - began;
}

/** Changes delay and speed every few seconds, and lets everything stand still now and then. @returns what ends it */
function changeWeather({ weather }: CuttingProxy, chance: Chance): () => void {
  let timer: NodeJS.Timeout;
  const change = () => {
    weather.delayMs = chance.pick([0, 0, chance.between(1, 60)]);
    weather.bytesPerSecond = chance.pick([24 * MIB, 12 * MIB, 6 * MIB]);
    if (chance.happens(0.2)) {
      // Sometimes for longer than the silence that SPEC.md section 3.4 allows.
      const stallMs = chance.happens(0.2) ? 7_000 : chance.between(100, 2_000);
      weather.stalledUntil = Date.now() + stallMs;
    }
    timer = setTimeout(change, chance.between(1_000, 4_000));
  };
  change();
  return () => {
    clearTimeout(timer);
    Object.assign(weather, { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalledUntil: 0 });
  };
}
