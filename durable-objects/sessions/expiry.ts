/** Session lifetime, pure. Times are milliseconds since the epoch. */

export const IDLE_LIFETIME_MS = 8 * 3_600_000;
export const ABSOLUTE_LIFETIME_MS = 24 * 3_600_000;
/** `last_seen` is written at most this often, so it may be this much too early. */
export const SEEN_RESOLUTION_MS = 60_000;

export interface Lifetime {
  lastSeenAt: number;
  expiresAt: number;
  endedAt: number | null;
  endedReason: string | null;
}

export type Liveness = "live" | "session_expired" | "session_revoked";

/** @returns whether the session may be used at `now`; signing out reads as expired, so that the page leads to sign-in */
export function liveness(session: Lifetime, now: number): Liveness {
  if (session.endedAt !== null) return session.endedReason === "revoked" ? "session_revoked" : "session_expired";
  return now >= dueAt(session) ? "session_expired" : "live";
}

/** @returns when the session ends if nothing more happens in it */
export function dueAt(session: Pick<Lifetime, "lastSeenAt" | "expiresAt">): number {
  return Math.min(session.lastSeenAt + IDLE_LIFETIME_MS, session.expiresAt);
}
