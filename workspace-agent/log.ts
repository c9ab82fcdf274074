/** JSON lines, one per event; none per frame. No bodies, queries, cookies, e-mail addresses or keys, ever. */

/** Everything the agent may say. The list is closed so that it can be documented and alerted on. */
export type AgentEvent =
  | "agent.started"
  | "agent.stopped"
  | "tunnel.connected"
  | "tunnel.resumed"
  | "tunnel.active"
  | "tunnel.standby"
  | "tunnel.disconnected"
  | "tunnel.network_changed"
  | "tunnel.link_ended"
  | "tunnel.superseded"
  | "tunnel.draining"
  | "tunnel.leaving"
  | "protocol.broken"
  | "origin.unreachable"
  | "origin.reachable"
  | "stream.refused"
  | "identity.written"
  | "identity.unwritable"
  | "identity.reasserted"
  | "identity.ambiguous"
  | "identity.crowded"
  | "identity.name_not_set"
  | "identity.watch_failed"
  | "admins.set"
  | "admins.not_set";

export type LogFields = Record<string, string | number | boolean>;
export type Log = (event: AgentEvent, fields?: LogFields) => void;

/** @returns a log that hands `{"time","event",…fields}` lines to `write` */
export function createLog(write: (line: string) => void, now: () => Date = () => new Date()): Log {
  return function log(event, fields = {}) {
    write(`${JSON.stringify({ time: now().toISOString(), event, ...fields })}\n`);
  };
}
