/** What is measured: the whole of Tidegate, and the floor, side by side against the same origin. */
import { findFreePort } from "../scripts/ports.ts";
import { findProcess, listDescendants } from "../scripts/processes.mjs";
import { startLocalGateway } from "../test/support/local-gateway.ts";
import type { Children } from "./children.ts";
import { startFloorEdge } from "./floor/edge.ts";
import type { Address } from "./load/job.ts";

const PEOPLE = 8;
/** The product allows a session 600 requests at once and 100 a second more: load is many people's. */
const SESSIONS = 160;
const READY_MS = 20_000;

export interface Target {
  name: "full" | "floor";
  address: Address;
  workerd: number;
  agent: number;
  stop(): Promise<void>;
}

export interface FullTarget extends Target {
  signIn(): Promise<string>;
  signOut(cookie: string): Promise<void>;
}

export async function startFull(home: string, originPort: number, profileFolder?: string): Promise<FullTarget> {
  const emails = Array.from({ length: PEOPLE }, (_, at) => `person${at}@example.com`);
  const gateway = await startLocalGateway({ home, port: await findFreePort(), originPort, users: emails.join(",") });
  const profile = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  const agent = gateway.startAgent((line) => void (line.startsWith("{") || console.error(line)), profile);
  const stop = async () => {
    await agent.stop();
    await gateway.edge.dispose();
  };
  try {
    await gateway.ready(READY_MS);
    const cookies: string[] = [];
    for (let at = 0; at < SESSIONS; at++) cookies.push(await gateway.signIn(emails[at % PEOPLE] ?? ""));
    return {
      name: "full",
      address: { port: gateway.port, host: gateway.host, cookies },
      workerd: gateway.workerd,
      agent: agent.pid,
      stop,
      signIn: () => gateway.signIn(emails[0] ?? ""),
      signOut: (cookie) => gateway.signOut(cookie),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function startFloor(children: Children, originPort: number): Promise<Target> {
  const port = await findFreePort();
  const before = new Set(listDescendants(process.pid).map(({ pid }) => pid));
  const edge = await startFloorEdge(port);
  const workerd = listDescendants(process.pid).find(
    ({ pid }) => !before.has(pid) && findProcess(pid)?.name === "workerd",
  );
  const agent = await children.spawn("floor/agent.ts", [String(port), String(originPort)]);
  return {
    name: "floor",
    address: { port, host: `localhost:${port}`, cookies: ["none=none"] },
    workerd: workerd?.pid ?? 0,
    agent: agent.pid ?? 0,
    stop: () => edge.dispose(),
  };
}
