/** One browser tab with one WebSocket: numbers what it sends, judges what it gets, and comes back when it is ended. */
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import type { Chance } from "./chance.ts";
import { BROWSER_DONE, type Life, ORIGIN_DONE } from "./ledger.ts";
import { readMessage, sendNumbered } from "./numbered-message.ts";
import type { World } from "./world.ts";

/** As the Control UI, but less patient: there is much to do. */
const RETRY_MS = [100, 700] as const;
const STAYS_MS = [10_000, 120_000] as const;
const HOLD_POLL_MS = 20;
/** Longer than resume's grace and the hold together: whoever waits longer was forgotten. */
const STUCK_MS = 50_000;
/** The origin may learn of an end this much later, while the agent is away. */
const ORIGIN_WAIT_MS = 45_000;

/** Visits until the world closes. */
export async function visit(world: World, cookie: string, chance: Chance): Promise<void> {
  while (!world.closing) {
    const life = world.ledger.openLife();
    const opened = await live(world, life, cookie, chance.fork());
    if (opened) void settleWhenKnown(world, life);
    if (!world.closing) await sleep(chance.between(...RETRY_MS));
    while (world.hold) await sleep(HOLD_POLL_MS);
  }
}

/** @returns when the socket is over; false when it never opened */
function live(world: World, life: Life, cookie: string, chance: Chance): Promise<boolean> {
  const { gateway, ledger } = world;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const headers = { host: gateway.host, origin: gateway.origin, cookie };
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat?life=${life.id}`, {
    headers,
    perMessageDeflate: false,
  });
  world.pending += 1;
  let pending = true;
  let opened = false;
  let refused = false;
  let heardAt = Date.now();
  let stop = () => {};
  const leave = setTimeout(() => depart(chance.happens(0.3)), chance.between(...STAYS_MS));
  // Numbers come every 100 ms in the mean: silence means that the stream is not carried any more.
  const watch = setInterval(() => {
    if (Date.now() - heardAt < STUCK_MS) return;
    ledger.note("silent", `socket ${life.id}: nothing came for ${STUCK_MS} ms`);
    depart(true);
  }, 1_000);

  function answered(): void {
    if (pending) world.pending -= 1;
    pending = false;
  }
  /** Leaves by its own will; a tab that crashes says nothing. */
  function depart(crash: boolean): void {
    if (!opened || life.left !== null || world.closing) return;
    stop();
    life.left = { code: crash ? 0 : BROWSER_DONE, reason: "", at: Date.now() };
    if (crash) socket.terminate();
    else socket.close(BROWSER_DONE, "browser done");
  }
  /** At the end of the run everybody has been heard, so nothing is under way any more. */
  function finish(): void {
    stop();
    life.left ??= { code: BROWSER_DONE, reason: "", at: Date.now() };
    socket.close(BROWSER_DONE, "browser done");
  }
  world.givenUp.addEventListener("abort", finish);

  socket.on("open", () => {
    opened = true;
    answered();
    stop = sendNumbered(life.id, life.up, chance, {
      ready: () => !world.hushed && socket.readyState === WebSocket.OPEN,
      send: (message) => socket.send(message),
    });
  });
  socket.on("message", (data) => {
    heardAt = Date.now();
    if (life.left !== null) return;
    const number = readMessage(life.id, data as Buffer);
    if (number === undefined) ledger.note("corrupted", `socket ${life.id} down`);
    else life.down.receive(number);
  });
  socket.on("unexpected-response", (_request, response) => {
    refused = true;
    const code = response.headers["x-tidegate-error"];
    if (code === undefined) ledger.note("silent", `upgrade ${life.id}: ${response.statusCode} without a code`);
    else ledger.tell(`upgrade ${response.statusCode} ${String(code)}`);
    response.destroy();
    socket.terminate();
  });
  socket.on("error", () => undefined);
  socket.on("close", (code, reason) => {
    stop();
    answered();
    clearTimeout(leave);
    clearInterval(watch);
    world.givenUp.removeEventListener("abort", finish);
    life.browserEnd = { code, reason: reason.toString(), at: Date.now() };
    if (!opened && !refused && life.left === null)
      ledger.note("silent", `upgrade ${life.id}: the connection broke before an answer`);
    if (opened && life.left === null) judgeEnd(world, life);
    resolve(opened);
  });
  return promise;
}

function judgeEnd(world: World, life: Life): void {
  const { code, reason } = life.browserEnd ?? { code: 1006, reason: "" };
  if (code === 1005 || code === 1006) world.ledger.note("silent", `socket ${life.id}: closed ${code} ${reason}`);
  else if (code !== ORIGIN_DONE) world.ledger.tell(`socket ${code} ${reason}`);
}

/** Judges a life once both ends are known to be over. */
async function settleWhenKnown(world: World, life: Life): Promise<void> {
  const until = Date.now() + ORIGIN_WAIT_MS;
  while (life.originEnd === null && Date.now() < until && !world.givenUp.aborted) await sleep(200);
  world.ledger.settle(life);
}
