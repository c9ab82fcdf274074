/** Session lifetime, pure. Times are milliseconds since the epoch. */
import type { Lifetime } from "../tenant-settings.ts";

/** `last_seen` is written at most this often, so it may be this much too early. */
export const SEEN_RESOLUTION_MS = 60_000;

export interface SessionTimes {
  createdAt: number;
  lastSeenAt: number;
  /** Fixed at sign-in, like the cookie's; what configuration says later can only shorten it. */
  expiresAt: number;
  /** {@link dueAt} as it was last worked out. */
  dueAt: number;
  endedAt: number | null;
  endedReason: string | null;
}

export type Liveness = "live" | "session_expired" | "session_revoked";

/** @returns whether the session may be used at `now`; signing out reads as expired, so that the page leads to sign-in */
export function liveness(session: SessionTimes, now: number): Liveness {
  if (session.endedAt !== null) return session.endedReason === "revoked" ? "session_revoked" : "session_expired";
  return now >= session.dueAt ? "session_expired" : "live";
}

/** @returns when the session ends at the latest, used or not */
export function lastAt(
  { createdAt, expiresAt }: Pick<SessionTimes, "createdAt" | "expiresAt">,
  { absoluteSeconds }: Lifetime,
): number {
  return Math.min(createdAt + absoluteSeconds * 1000, expiresAt);
}

/** @returns when the session ends if nothing more happens in it */
export function dueAt(
  session: Pick<SessionTimes, "createdAt" | "lastSeenAt" | "expiresAt">,
  lifetime: Lifetime,
): number {
  return Math.min(session.lastSeenAt + lifetime.idleSeconds * 1000, lastAt(session, lifetime));
}
