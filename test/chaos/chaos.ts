/** One run: the whole of Tidegate under faults, 50 sockets and 20 transfers through it, and the judge's verdict. */
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "../../scripts/keep-running.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { type LocalGateway, OBJECT_NAME, startLocalGateway } from "../support/local-gateway.ts";
import { MemoryWatch } from "../support/resident-memory.ts";
import { CENSUS_PATH } from "./census-path.ts";
import { Chance } from "./chance.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { dealFaults, type FaultCounts } from "./faults.ts";
import { Ledger, type Life } from "./ledger.ts";
import { startNumberingOrigin, type NumberingOrigin } from "./numbering-origin.ts";
import { printReport } from "./report.ts";
import { visit } from "./socket-visitor.ts";
import { transfer } from "./transfer-visitor.ts";
import { World } from "./world.ts";

export interface ChaosOptions extends FaultCounts {
  seed: number;
  /** Faults stop then, however many are left. */
  faultSeconds: number;
  /** A folder of this run's own. */
  home: string;
  onAgentLog: (line: string) => void;
  onPhase: (name: string) => void;
  /** Called with whatever must be ended when the run is stopped from outside. */
  onStarted: (stop: () => Promise<void>) => void;
}

const SOCKETS = 50;
const TRANSFERS = 10;
const PEOPLE = 8;
const HURRY = ["--import", join(import.meta.dirname, "hurry.mjs")];
const READY_MS = 40_000;
/** After the last fault: the agent's longest pause, resume's grace, and the rest of a body. */
const CALM_MS = 60_000;
const CLOSE_MS = 15_000;
const EVICT_WAIT_MS = 6_000;
/** Longer than the agent waits with an acknowledgement. */
const EVICT_QUIET_MS = 150;

/** @returns whether nothing was lost, repeated, reordered, corrupted, silently ended or leaked */
export async function runChaos(options: ChaosOptions): Promise<boolean> {
  const began = Date.now();
  const chance = new Chance(options.seed);
  const ledger = new Ledger();
  const origin = await startNumberingOrigin(ledger, chance.fork());
  const [port, publicPort] = [await findFreePort(), await findFreePort()];
  const emails = Array.from({ length: PEOPLE }, (_, at) => `person${at}@example.com`);
  const gateway = await startLocalGateway({
    home: options.home,
    port,
    publicPort,
    originPort: origin.port,
    users: emails.join(","),
    entries: {
      gateway: join(import.meta.dirname, "edge/gateway.ts"),
      tenant: join(import.meta.dirname, "edge/tenant.ts"),
    },
  });
  const proxy = await CuttingProxy.start(publicPort, port);
  let boots = 0;
  const start = (): Child => {
    boots += 1;
    return gateway.startAgent(options.onAgentLog, HURRY);
  };
  let agent = start();
  options.onStarted(async () => {
    agent.kill();
    proxy.stop();
    origin.stop();
    await gateway.edge.dispose();
    await agent.exited;
  });
  await gateway.ready(READY_MS);
  const memory = new MemoryWatch({ workerd: () => gateway.workerd, agent: () => agent.pid });

  const world = new World(gateway, ledger);
  world.lull = true;
  const cookies: string[] = [];
  for (let at = 0; at < SOCKETS + 2 * TRANSFERS; at++) cookies.push(await gateway.signIn(emails[at % PEOPLE] ?? ""));
  const visits = cookies.map((cookie, at) => {
    if (at < SOCKETS) return visit(world, cookie, chance.fork());
    return transfer(world, at < SOCKETS + TRANSFERS ? "down" : "up", cookie, chance.fork());
  });

  const evictions = chance.fork();
  options.onPhase("faults");
  const done = await dealFaults(
    options,
    {
      proxy,
      killAgent: async (pauseMs) => {
        agent.kill();
        await agent.exited;
        await sleep(pauseMs);
        agent = start();
      },
      evict: () => evict(world, origin, proxy, evictions),
      lull: (on) => (world.lull = on),
    },
    chance.fork(),
    began + options.faultSeconds * 1000,
  );

  proxy.refusingUntil = 0;
  options.onPhase("waiting for the agent");
  await gateway.ready(READY_MS).catch((error: unknown) => ledger.note("silent", String(error)));
  await closeDown(options, world, origin, visits);
  const peaks = memory.stop();
  printReport(ledger, {
    seed: options.seed,
    wanted: options,
    done,
    seconds: (Date.now() - began) / 1000,
    memory: peaks,
    longestOrphanMs: origin.longestOrphanMs,
    proxyBytes: proxy.bytes,
    agentBoots: boots,
  });
  return ledger.clean;
}

function openLives({ ledger }: World): Life[] {
  return [...ledger.lives.values()].filter((life) => life.browserEnd === null);
}

function underWay(world: World): boolean {
  return openLives(world).some(({ up, down }) => up.underWay + down.underWay > 0);
}

/** Lets everything arrive, then has everybody leave, then counts what is still there. */
async function closeDown(
  options: ChaosOptions,
  world: World,
  origin: NumberingOrigin,
  visits: Promise<void>[],
): Promise<void> {
  const { ledger } = world;
  options.onPhase("calm");
  world.closing = true;
  world.hushed = origin.hushed = true;
  const all = Promise.all(visits);
  const open = () => openLives(world);
  const transfersDone = Promise.all(visits.slice(SOCKETS)).then(() => true);
  const calm = async () => {
    await transfersDone;
    while (underWay(world)) await sleep(50);
  };
  await Promise.race([calm(), sleep(CALM_MS, undefined, { ref: false })]);
  for (const life of open()) {
    for (const [direction, sequence] of Object.entries({ up: life.up, down: life.down })) {
      ledger.note("lost", `socket ${life.id} ${direction}: the network is well`, sequence.underWay);
      sequence.sent = sequence.highest;
    }
  }
  options.onPhase("leaving");
  world.giveUp();
  await Promise.race([all, sleep(CLOSE_MS, undefined, { ref: false })]);
  const left = async () => ({ origin: origin.sockets + origin.requests, ...(await census(world.gateway)) });
  let last = await left();
  for (const until = Date.now() + CLOSE_MS; Date.now() < until; last = await left()) {
    if (last.origin + last.browsers + last.closing === 0) break;
    await sleep(100);
  }
  ledger.note("leaked", "sockets and requests open at the origin", last.origin);
  ledger.note("leaked", "open sockets in the object", last.browsers);
  ledger.note("leaked", "sockets in the object that never finished closing", last.closing);
  for (const life of ledger.lives.values()) ledger.settle(life);
}

/**
 * Takes the object's memory. It gives it up only while it handles nothing and no timer of it runs, and delivers nothing
 * while it is asked to, so that a pending upgrade would wait for ever: everybody holds their breath, until what was sent
 * is acknowledged. The next messages find an object that remembers nothing.
 */
async function evict(world: World, origin: NumberingOrigin, proxy: CuttingProxy, chance: Chance): Promise<boolean> {
  world.hold = true;
  try {
    // Nobody comes, and whoever is at the door gets in.
    for (const until = Date.now() + EVICT_WAIT_MS; world.pending > 0; await sleep(5)) {
      if (Date.now() > until) return false;
    }
    world.hushed = origin.hushed = true;
    Object.assign(proxy.weather, { delayMs: 0, stalledUntil: 0 });
    for (const until = Date.now() + EVICT_WAIT_MS; underWay(world); await sleep(5)) {
      if (Date.now() > until) return false;
    }
    await sleep(EVICT_QUIET_MS + chance.between(0, EVICT_QUIET_MS));
    return await world.gateway.edge.evict(OBJECT_NAME).then(
      () => true,
      () => false,
    );
  } finally {
    world.hold = world.hushed = origin.hushed = false;
  }
}

function census(gateway: LocalGateway): Promise<{ browsers: number; closing: number; agents: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ browsers: number; closing: number; agents: number }>();
  const headers = { host: gateway.host };
  const asked = request({ host: "127.0.0.1", port: gateway.port, path: CENSUS_PATH, headers, agent: false });
  asked.on("error", reject);
  asked.on("response", (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.on("end", () => resolve(JSON.parse(text) as { browsers: number; closing: number; agents: number }));
  });
  asked.end();
  return promise;
}
