/** Builds the agent from its configuration and joins the parts. */
import { setTimeout as delay } from "node:timers/promises";
import type { AgentConfig } from "./config.ts";
import { AgentSocket } from "./connection/agent-socket.ts";
import { dial } from "./connection/dial.ts";
import { type Ended, stayConnected } from "./connection/stay-connected.ts";
import { IdentityWriter } from "./identity/identity-writer.ts";
import { createOpenclawClient } from "./identity/openclaw-client.ts";
import { learnProfiles } from "./identity/profiles.ts";
import { RosterFiles } from "./identity/roster-files.ts";
import { WorkspaceFiles } from "./identity/workspace-files.ts";
import { watchWorkspace } from "./identity/workspace-watch.ts";
import type { Log } from "./log.ts";
import { openStreams } from "./origin/open-stream.ts";
import { createOrigin } from "./origin/origin.ts";

/** A connection that lasted this long was a good one: the next retry is a first one again. */
const STABLE_AFTER_MS = 20_000;

/** Runs until `signal` is aborted or a newer process with this key takes over. @param boot this start's number */
export async function runAgent(
  config: AgentConfig,
  boot: number,
  log: Log,
  signal: AbortSignal,
): Promise<"stopped" | "superseded"> {
  const origin = createOrigin(config.openclaw, log);
  const identity = createIdentityWriter(config, log);
  const unwatch = watchWorkspace(
    config.workspace,
    () => identity.recheck(),
    (code) => log("identity.watch_failed", { code }),
  );
  const options = {
    openStream: openStreams(origin, (head) => identity.gate(head), log),
    receiveIdentity: identity.receive.bind(identity),
    log,
  };

  async function connectOnce(attempt: number): Promise<Ended> {
    const dialling = new AbortController();
    let connected: AgentSocket | null = null;
    let connectedAt = Number.POSITIVE_INFINITY;
    const stop = () => (connected === null ? dialling.abort() : connected.stop("shutting_down"));
    signal.addEventListener("abort", stop, { once: true });
    const end = await dial({
      identity: config,
      boot,
      attempt,
      now: Date.now,
      signal: dialling.signal,
      welcomed: (socket, link) => {
        connectedAt = performance.now();
        connected = new AgentSocket(socket, options);
        log("tunnel.connected", { attempt, boot, link });
      },
    });
    signal.removeEventListener("abort", stop);
    return { code: end.code, reason: end.reason, stable: performance.now() - connectedAt >= STABLE_AFTER_MS };
  }

  try {
    return await stayConnected({ connectOnce, sleep, random: Math.random, log }, signal);
  } finally {
    unwatch();
    identity.stop();
    origin.agent.destroy();
  }
}

function createIdentityWriter(config: AgentConfig, log: Log): IdentityWriter {
  const files = new RosterFiles(new WorkspaceFiles(config.workspace), config.publicUrl, log);
  const { openclawPassword } = config;
  const client =
    openclawPassword === null
      ? null
      : createOpenclawClient(config.openclaw, new URL(config.publicUrl).host, openclawPassword);
  return new IdentityWriter({
    writeFiles: (people, profiles) => files.write(people, profiles),
    async learnProfiles(people) {
      if (client === null) throw new Error("OPENCLAW_GATEWAY_PASSWORD is not set");
      return learnProfiles(client, people, (error) => log("identity.name_not_set", { error: String(error) }));
    },
    log,
    now: () => performance.now(),
  });
}

/** An aborted sleep is only a short one. */
async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch(() => {});
}
