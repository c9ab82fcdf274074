/** What the agent tells about itself to whoever watches this machine. */
import { VERSION } from "#protocol/version.ts";
import type { AgentLink, LinkPhase } from "../connection/agent-link.ts";
import type { DeniedReason } from "#protocol/frame.ts";
import type { Traffic } from "../connection/traffic.ts";
import type { Metric } from "./exposition.ts";

export interface MetricSources {
  /** The link of today, or null. */
  link: () => AgentLink | null;
  traffic: Traffic;
  /** Messages that the method gate kept from OpenClaw. */
  denied: Readonly<Record<DeniedReason, number>>;
  /** Whether OpenClaw answered last time; null before the first. */
  originReachable: () => boolean | null;
  residentBytes: () => number;
}

const CONNECTED: ReadonlySet<LinkPhase> = new Set<LinkPhase>(["standby", "active", "leaving"]);

export function agentMetrics({ link, traffic, denied, originReachable, residentBytes }: MetricSources): Metric[] {
  const today = link();
  const reachable = originReachable();
  const gauge = (name: string, help: string, value: number): Metric => {
    return { name, help, type: "gauge", samples: [{ value }] };
  };
  const counter = (name: string, help: string, samples: Metric["samples"]): Metric => {
    return { name, help, type: "counter", samples };
  };
  const directions = ({ in: inbound, out }: { in: number; out: number }) => [
    { labels: { direction: "in" }, value: inbound },
    { labels: { direction: "out" }, value: out },
  ];
  return [
    {
      ...gauge("tidegate_agent_build_info", "Version of this agent.", 1),
      samples: [{ labels: { version: VERSION }, value: 1 }],
    },
    gauge(
      "tidegate_agent_connected",
      "1 while a proven connection to the gateway is up.",
      today !== null && CONNECTED.has(today.phase) ? 1 : 0,
    ),
    gauge(
      "tidegate_agent_active",
      "1 while this agent serves the workspace, also during a cut.",
      today?.isActive ? 1 : 0,
    ),
    {
      ...gauge("tidegate_agent_streams", "Open exchanges with OpenClaw.", 0),
      samples: (["http", "ws"] as const).map((kind) => ({ labels: { kind }, value: today?.streams.count(kind) ?? 0 })),
    },
    gauge(
      "tidegate_agent_unacknowledged_bytes",
      "Bytes kept until the gateway has them.",
      today?.unacknowledgedBytes ?? 0,
    ),
    counter("tidegate_agent_links_total", "Links begun.", [{ value: traffic.links }]),
    counter("tidegate_agent_resumes_total", "Cuts after which a link went on.", [{ value: traffic.resumes }]),
    counter(
      "tidegate_agent_connection_ends_total",
      "Connections and attempts by close code.",
      [...traffic.ends].map(([code, value]) => ({ labels: { code }, value })),
    ),
    counter("tidegate_agent_batches_total", "Batches of frames.", directions(traffic.batches)),
    counter("tidegate_agent_bytes_total", "Bytes of messages after the greeting.", directions(traffic.bytes)),
    counter(
      "tidegate_agent_denied_messages_total",
      "Messages that the method gate kept from OpenClaw.",
      Object.entries(denied).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    {
      ...gauge("tidegate_agent_origin_reachable", "1 when OpenClaw answered last time.", 0),
      samples: reachable === null ? [] : [{ value: reachable ? 1 : 0 }],
    },
    gauge("process_resident_memory_bytes", "Resident memory.", residentBytes()),
  ];
}

/** @returns whether people can be served, in one word; a standby is ready, it only waits for its turn */
export function readiness(phase: LinkPhase): { ready: boolean; word: string } {
  return READINESS[phase];
}

const READINESS: Record<LinkPhase, { ready: boolean; word: string }> = {
  active: { ready: true, word: "ok" },
  standby: { ready: true, word: "ok" },
  cut: { ready: false, word: "resuming" },
  leaving: { ready: false, word: "draining" },
  over: { ready: false, word: "connecting" },
};
