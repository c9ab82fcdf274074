/**
 * Tells the Control UI over its own protocol why it cannot connect (design section 5): an upgrade answered with a
 * status leaves it reconnecting without a word. Answered here, so that nothing of it reaches an object.
 */
const MAX_FRAME_CHARACTERS = 65_536;
const WAIT_MS = 5_000;

export type SessionEnd = "expired" | "revoked";
export type SocketRefusal = SessionEnd | "renewing" | "away" | "untold";

/**
 * What the UI does at each: reload into sign-in; stop and say so; twice: say "starting" and try again soon; say that
 * there is no profile for now, and try again.
 */
const REFUSALS = {
  expired: {
    close: { code: 1008, reason: "sign in again" },
    error: {
      code: "UNAVAILABLE",
      message: "protocol mismatch: sign in again",
      retryable: false,
      details: { code: "PROTOCOL_MISMATCH", reloadRequired: true },
    },
  },
  revoked: {
    close: { code: 1008, reason: "session ended" },
    error: {
      code: "UNAUTHORIZED",
      message: "this session was ended",
      retryable: false,
      details: { code: "AUTH_IDENTITY_HEADER_REQUIRED" },
    },
  },
  renewing: {
    close: { code: 1013, reason: "the session is being renewed" },
    error: {
      code: "UNAVAILABLE",
      message: "the session is being renewed",
      retryable: true,
      retryAfterMs: 500,
      details: { reason: "startup-sidecars" },
    },
  },
  away: {
    close: { code: 1013, reason: "the assistant's computer is not connected" },
    error: {
      code: "UNAVAILABLE",
      message: "the assistant's computer is not connected",
      retryable: true,
      retryAfterMs: 2_000,
      details: { reason: "startup-sidecars" },
    },
  },
  untold: {
    close: { code: 1013, reason: "the assistant could not be told who you are" },
    error: {
      code: "UNAVAILABLE",
      message: "the assistant could not be told who you are; on its computer, tidegate-agent doctor says why",
      retryable: true,
      retryAfterMs: 2_000,
      details: { code: "AUTHENTICATED_PROFILE_UNAVAILABLE" },
    },
  },
} as const;

/**
 * @param session tells one session from the next: the UI reloads once for each build it is told of, and keeps that in
 * the tab, so that a second session's end would leave it standing
 * @returns the answer to the UI's `connect`, or undefined when the frame is none
 */
export function connectRefusal(frame: string, refusal: SocketRefusal, session: number): string | undefined {
  const id = requestId(frame);
  if (id === undefined) return undefined;
  const { error } = REFUSALS[refusal];
  const details = refusal === "expired" ? { ...error.details, gatewayBuildId: `sign-in-${session}` } : error.details;
  return JSON.stringify({ type: "res", id, ok: false, error: { ...error, details } });
}

/** @returns the 101; the socket reads at most one frame and is closed after it, or after 5 s */
export function refuseSocket(refusal: SocketRefusal, nowMs: number, session = 0): Response {
  const { code, reason } = REFUSALS[refusal].close;
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  const timer = setTimeout(() => server.close(code, reason), WAIT_MS);
  server.addEventListener(
    "message",
    ({ data }) => {
      clearTimeout(timer);
      const small = typeof data === "string" && data.length <= MAX_FRAME_CHARACTERS;
      const answer = small ? connectRefusal(data, refusal, session) : undefined;
      if (answer !== undefined) server.send(answer);
      server.close(code, reason);
    },
    { once: true },
  );
  server.addEventListener("close", () => clearTimeout(timer));
  const payload = { nonce: crypto.randomUUID(), ts: nowMs };
  server.send(JSON.stringify({ type: "event", event: "connect.challenge", payload }));
  return new Response(null, { status: 101, webSocket: client });
}

function requestId(frame: string): string | undefined {
  try {
    const value = JSON.parse(frame) as { type?: unknown; id?: unknown } | null;
    return value?.type === "req" && typeof value.id === "string" && value.id.length <= 128 ? value.id : undefined;
  } catch {
    return undefined;
  }
}
