/** One browser that downloads, or uploads, bodies of some MiB again and again, and checks every byte of them. */
import { createHash } from "node:crypto";
import { request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "./chance.ts";
import { bodyChunks, bodyHash } from "./transfer-body.ts";
import type { World } from "./world.ts";

const MIB = 1024 * 1024;
const BYTES = [2 * MIB, 6 * MIB] as const;
const RETRY_MS = [150, 900] as const;
const REST_MS = 50;
/** Longer than resume's grace: whoever waits longer was forgotten. */
const STUCK_MS = 50_000;

/** `ended`: somebody told us, and we begin again. */
type Outcome = "complete" | "ended" | "left";
export type Direction = "down" | "up";

let transfers = 0;

/** Transfers until the world closes; one that has begun is brought to its end. */
export async function transfer(world: World, direction: Direction, cookie: string, chance: Chance): Promise<void> {
  const { ledger } = world;
  while (!world.closing) {
    const id = ++transfers;
    const bytes = chance.between(...BYTES);
    const hash = bodyHash(id, bytes);
    while (!world.givenUp.aborted) {
      while (world.lull) await sleep(REST_MS);
      world.pending += 1;
      const outcome = await attempt(world, direction, { id, bytes, hash }, cookie);
      world.pending -= 1;
      if (outcome === "complete") {
        ledger.transfers[direction] += 1;
        break;
      }
      ledger.transfers.restarted += 1;
      await sleep(chance.between(...RETRY_MS));
    }
  }
}

interface Body {
  id: number;
  bytes: number;
  hash: string;
}

/** One exchange from its request to its end, judged. */
function attempt(world: World, direction: Direction, body: Body, cookie: string): Promise<Outcome> {
  const { gateway, ledger } = world;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const up = direction === "up";
  const path = `${up ? "/api/media/up" : "/down"}?transfer=${body.id}&bytes=${body.bytes}`;
  const outgoing = request({
    host: "127.0.0.1",
    port: gateway.port,
    method: up ? "POST" : "GET",
    path,
    headers: { host: gateway.host, origin: gateway.origin, cookie },
    agent: false,
  });
  let movedAt = Date.now();
  let answered = false;
  let left = false;
  const watch = setInterval(() => {
    if (world.lull || world.givenUp.aborted) end("left");
    else if (Date.now() - Math.max(movedAt, ledger.arrivedAt.get(body.id) ?? 0) > STUCK_MS) {
      ledger.note("silent", `${direction} ${body.id}: stood still for ${STUCK_MS} ms`);
      end("ended");
    }
  }, REST_MS);

  function end(outcome: Outcome): void {
    clearInterval(watch);
    left = true;
    // workerd notices a FIN at its next write only; the platform tells at once, and so does a RST here.
    if (outcome === "left") outgoing.socket?.resetAndDestroy();
    outgoing.destroy();
    resolve(outcome);
  }
  function judgeAnswer(status: number, response: IncomingMessage): void {
    const code = response.headers["x-tidegate-error"];
    if (code === undefined) ledger.note("silent", `${direction} ${body.id}: ${status} without a code`);
    else ledger.tell(`${direction} ${status} ${String(code)}`);
    end("ended");
  }
  function judgeBody(hash: string, bytes: number): void {
    if (bytes < body.bytes) ledger.note("lost", `${direction} ${body.id}: complete with ${bytes} of ${body.bytes}`);
    else if (hash !== body.hash) ledger.note("corrupted", `${direction} ${body.id}`);
    end("complete");
  }

  outgoing.on("response", (response) => {
    answered = true;
    const status = response.statusCode ?? 0;
    if (status !== 200) return judgeAnswer(status, response);
    const hash = createHash("sha256");
    let bytes = 0;
    let text = "";
    response.on("data", (chunk: Buffer) => {
      movedAt = Date.now();
      bytes += chunk.byteLength;
      hash.update(chunk);
      if (up) text += chunk.toString();
    });
    response.on("end", () => (up ? judgeBody(text, body.bytes) : judgeBody(hash.digest("hex"), bytes)));
    response.on("error", () => {
      if (left) return;
      ledger.tell(`${direction} broken off in its body`);
      end("ended");
    });
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    if (answered || left) return;
    // Node gives up an upload at its first failed write, and with it an answer that may be there already.
    if (up && !outgoing.writableFinished) {
      ledger.tell("up broken off in its body");
      return end("ended");
    }
    ledger.note("silent", `${direction} ${body.id}: ${error.code ?? error.message} before an answer`);
    end("ended");
  });
  if (up) void sendBody(body, outgoing, () => (movedAt = Date.now()));
  else outgoing.end();
  return promise;
}

async function sendBody(body: Body, outgoing: ReturnType<typeof request>, moved: () => void): Promise<void> {
  let wake = () => {};
  outgoing.on("drain", () => wake()).on("close", () => wake());
  for (const chunk of bodyChunks(body.id, body.bytes)) {
    moved();
    // Reads between two writes: an early answer must be seen before the write that fails because of it.
    await new Promise((resolve) => setImmediate(resolve));
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
  }
  outgoing.end();
}
