/** What the load process is asked to do, and what it measured. Times are milliseconds. */
export interface Address {
  port: number;
  /** `Host`, and the origin of writes. */
  host: string;
  /** Sessions to take turns with: the product limits each. */
  cookies: string[];
}

export type Job =
  | { type: "get"; address: Address; connections: number; durationMs: number }
  | { type: "echo"; address: Address; bytes: number; inFlight: number; durationMs: number }
  | { type: "down"; address: Address; bytes: number; streams: number }
  | { type: "up"; address: Address; bytes: number }
  /** Opens sockets and keeps them until `close`. */
  | { type: "open"; address: Address; sockets: number }
  /** Tells when each kept one was closed by the other side. */
  | { type: "watch"; waitMs: number }
  | { type: "close" };

export interface Rate {
  count: number;
  errors: number;
  perSecond: number;
  p50: number;
  p99: number;
}

export interface Volume {
  bytes: number;
  seconds: number;
}

export interface Closings {
  /** Milliseconds since the epoch at which each socket's close frame came. */
  at: number[];
  /** How many of their connections had ended by then. */
  ended: number;
}

export interface Results {
  get: Rate;
  echo: Rate;
  down: Volume;
  up: Volume;
  open: { sockets: number };
  watch: Closings;
  close: { sockets: number };
}

export function rateOf(latencies: number[], errors: number, seconds: number): Rate {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, errors, perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99) };
}
