/**
 * Tells the Control UI over its own protocol that the session is over (design section 5): an upgrade answered with
 * a status leaves it reconnecting for ever. Answered here, so that nothing of it reaches an object.
 */
const MAX_FRAME_CHARACTERS = 65_536;
const WAIT_MS = 5_000;

export type SessionEnd = "expired" | "revoked";

/** @returns the answer to the UI's `connect`: reload into sign-in, or stop and say so */
export function connectRefusal(frame: string, end: SessionEnd): string | undefined {
  const id = requestId(frame);
  if (id === undefined) return undefined;
  const error =
    end === "expired"
      ? {
          code: "UNAVAILABLE",
          message: "protocol mismatch: sign in again",
          retryable: false,
          details: { code: "PROTOCOL_MISMATCH", gatewayBuildId: "edge-reauth", reloadRequired: true },
        }
      : {
          code: "UNAUTHORIZED",
          message: "this session was ended",
          retryable: false,
          details: { code: "AUTH_IDENTITY_HEADER_REQUIRED" },
        };
  return JSON.stringify({ type: "res", id, ok: false, error });
}

/** @returns the 101; the socket reads at most one frame and is closed after it, or after 5 s */
export function reauthenticateSocket(end: SessionEnd, nowMs: number): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  const timer = setTimeout(() => server.close(1008, "sign in again"), WAIT_MS);
  server.addEventListener(
    "message",
    ({ data }) => {
      clearTimeout(timer);
      const small = typeof data === "string" && data.length <= MAX_FRAME_CHARACTERS;
      const answer = small ? connectRefusal(data, end) : undefined;
      if (answer !== undefined) server.send(answer);
      server.close(1008, "sign in again");
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
