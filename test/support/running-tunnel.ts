/** Both scripts in the real runtime and the real agent's streams, in front of an origin that speaks HTTP alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../scripts/ports.ts";
import { type LocalGateway, startLocalGateway } from "./local-gateway.ts";

/** Who is signed in: an admin, so that every route class that takes a body is open. */
export const PERSON = "alice@example.com";
/** The agent's own address: an origin tells by it which requests came through. */
export const AGENT_ADDRESS = "127.77.0.1";

export interface RunningTunnel extends Pick<LocalGateway, "port" | "host" | "origin"> {
  /** @returns a new session's cookie: rate limits count per session */
  signIn(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTunnel(originPort: number): Promise<RunningTunnel> {
  const home = mkdtempSync(join(tmpdir(), "tidegate-tunnel-"));
  const port = await findFreePort();
  const gateway = await startLocalGateway({ home, port, originPort, users: `${PERSON}:admin` });
  const agent = spawn(process.execPath, ["test/support/tunnel-only-agent.ts", join(home, "agent")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(agent.stdout, "data");
  return {
    port,
    host: gateway.host,
    origin: gateway.origin,
    signIn: () => gateway.signIn(PERSON),
    async stop() {
      const exited = once(agent, "exit");
      agent.kill();
      await exited;
      await gateway.edge.dispose();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
