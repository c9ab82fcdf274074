/** Builds the agent from its configuration and joins the parts. */
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { SILENT_AFTER_MS } from "#protocol/limits.ts";
import type { Granted } from "./admins/granted-file.ts";
import { systemClock } from "./clock.ts";
import { type AgentConfig, ConfigError } from "./config.ts";
import { AgentSocket } from "./connection/agent-socket.ts";
import { dial } from "./connection/dial.ts";
import { waitForNetwork } from "./connection/network-return.ts";
import { type Ended, stayConnected } from "./connection/stay-connected.ts";
import { Traffic } from "./connection/traffic.ts";
import { Tunnel } from "./connection/tunnel.ts";
import { createIdentity } from "./identity/create-identity.ts";
import { watchWorkspace } from "./identity/workspace-watch.ts";
import { createGates, type Gates } from "./method-gate/open-gate.ts";
import type { Log } from "./log.ts";
import { agentMetrics, type MetricSources, readiness } from "./metrics/agent-metrics.ts";
import { startMetricsServer } from "./metrics/metrics-server.ts";
import { openStreams } from "./origin/open-stream.ts";
import { createOrigin, type Origin } from "./origin/origin.ts";

/** A connection that lasted this long was a good one: the next retry is a first one again. */
const STABLE_AFTER_MS = 20_000;
/** A dial into a dead network must not eat up the time in which the link can be resumed. */
const RESUME_DIAL_TIMEOUT_MS = SILENT_AFTER_MS;

/** What the agent keeps beyond its own life. */
export interface AgentState {
  /** A pass that the gateway gave in place of the one before. */
  keepPass(pass: string): void;
  readGranted(): Granted;
  writeGranted(granted: Granted): void;
}

/**
 * Runs until `signal` is aborted and what was open has ended, or a newer process with this key takes over.
 * @param boot this start's number
 */
export async function runAgent(
  config: AgentConfig,
  boot: number,
  log: Log,
  signal: AbortSignal,
  state: AgentState,
): Promise<"stopped" | "superseded"> {
  const clock = systemClock;
  const traffic = new Traffic();
  const origin = createOrigin(config.openclaw, log);
  const { identity, gate } = createIdentity(config, state, log);
  const gates = createGates();
  const openStream = openStreams(origin, gate, gates.open, log);
  const tunnel = new Tunnel({ openStream, identity, clock, traffic, log });
  const metrics = await serveMetrics(config.metricsPort, tunnel, traffic, origin, gates);
  const watches = config.workspaces.map((folder) =>
    watchWorkspace(
      folder,
      () => identity.recheck(),
      (code) => log("identity.watch_failed", { code }),
    ),
  );

  async function connectOnce(attempt: number): Promise<Ended> {
    const dialling = new AbortController();
    let connectedAt = Number.POSITIVE_INFINITY;
    const stop = () => {
      if (!tunnel.leave()) dialling.abort();
    };
    signal.addEventListener("abort", stop, { once: true });
    const end = await dial({
      identity: config,
      boot,
      attempt,
      now: Date.now,
      signal: dialling.signal,
      proxy: config.proxy,
      resume: () => tunnel.hello,
      renewed: (pass) => {
        config.pass = pass;
        state.keepPass(pass);
      },
      ...(tunnel.hello === null ? {} : { timeoutMs: RESUME_DIAL_TIMEOUT_MS }),
      greeted: (greeting, socket, transport) => {
        const connection = new AgentSocket(socket, transport, clock);
        connection.carry(tunnel.greet(greeting, connection));
        connectedAt = clock.now();
        log("tunnel.connected", { gateway: config.url.host, attempt, boot });
      },
    });
    signal.removeEventListener("abort", stop);
    traffic.countEnd(end.code);
    if (end.proven && !end.greeted) tunnel.link?.refused(end.code);
    const { code, reason, proven } = end;
    return { code, reason, proven, stable: clock.now() - connectedAt >= STABLE_AFTER_MS };
  }

  async function wait(delayMs: number): Promise<void> {
    const changed = await waitForNetwork({ interfaces: networkInterfaces, sleep }, delayMs, signal);
    if (changed) log("tunnel.network_changed");
  }

  try {
    const canResume = () => tunnel.link !== null;
    return await stayConnected({ connectOnce, canResume, wait, random: Math.random, log }, signal);
  } finally {
    tunnel.link?.end("stopped");
    for (const end of watches) end();
    identity.release();
    origin.agent.destroy();
    metrics?.close();
  }
}

/** @throws {ConfigError} when the port cannot be had */
async function serveMetrics(port: number | null, tunnel: Tunnel, traffic: Traffic, origin: Origin, gates: Gates) {
  if (port === null) return null;
  const sources: MetricSources = {
    link: () => tunnel.link,
    traffic,
    denied: gates.denied,
    originReachable: () => origin.health.reachable,
    residentBytes: () => process.memoryUsage.rss(),
  };
  const metrics = () => agentMetrics(sources);
  return startMetricsServer(port, { metrics, readiness: () => readiness(tunnel.phase) }).catch((error: unknown) => {
    throw new ConfigError([`TIDEGATE_METRICS_PORT: ${(error as NodeJS.ErrnoException).code}`]);
  });
}

/** An aborted sleep is only a short one. */
async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch(() => {});
}
