/** Every bound of the wire, unit in the name (SPEC.md section 9). What a peer controls is bounded here and nowhere else. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Longest request target; longer ones are refused before they are parsed. */
export const MAX_TARGET_BYTES = 8 * KIB;
/** Largest head (OPEN, HEAD, ACCEPTED, REFUSED as JSON). Node's own parser stops at 16 KiB of headers. */
export const MAX_HEAD_BYTES = 32 * KIB;
/** Header pairs in one head. */
export const MAX_HEADER_PAIRS = 200;
/** Body bytes of one DATA, PART or PIECE frame. */
export const MAX_CHUNK_BYTES = 64 * KIB;
/** Largest WebSocket message that travels whole, in one TEXT or BIN frame. */
export const MAX_WHOLE_MESSAGE_BYTES = 256 * KIB;
/** Largest WebSocket message at all: OpenClaw's own bound. */
export const MAX_MESSAGE_BYTES = 25 * MIB;
/** Body of a REFUSED frame. */
export const MAX_REFUSAL_BYTES = 8 * KIB;
/** Payload of a ROSTER frame. */
export const MAX_ROSTER_BYTES = 512 * KIB;
/** Sum of the frames of one batch, headers included. */
export const MAX_BATCH_BYTES = 1 * MIB;
/** Frames in one batch. */
export const MAX_BATCH_FRAMES = 4096;
/** A sender stops opening streams and sending bodies at this much unacknowledged. */
export const MAX_UNACKNOWLEDGED_BYTES = 8 * MIB;
/** The receiver acknowledges at the latest after this many bytes … */
export const ACK_AFTER_BYTES = 256 * KIB;
/** … or this many batches; the agent also after {@link AGENT_ACK_DELAY_MS}. */
export const ACK_AFTER_BATCHES = 64;
export const AGENT_ACK_DELAY_MS = 50;
/** Credit a stream starts with in each direction. */
export const INITIAL_CREDIT_BYTES = 256 * KIB;
/** Largest credit a stream may hold. */
export const MAX_CREDIT_BYTES = 1 * MIB;
/** Sum of the credit that one object grants beyond {@link SMALL_CREDIT_BYTES} a stream, and of what browsers may have in transit. */
export const MAX_OBJECT_BYTES = 32 * MIB;
/** Credit of a new stream while the object's sum is used up. */
export const SMALL_CREDIT_BYTES = 16 * KIB;
/** Streams open at once in one object. */
export const MAX_STREAMS = 4096;
/** Unsent bytes towards one browser before it is closed 1013. */
export const MAX_BROWSER_BUFFER_BYTES = 8 * MIB;
/** Unsent bytes from one browser towards the agent, besides its largest message, before it is closed 1013. */
export const MAX_BROWSER_BACKLOG_BYTES = 4 * MIB;
/** The 101 waits this long for the origin's first message once it accepted (the Control UI waits 750 ms after the 101). */
export const FIRST_MESSAGE_WAIT_MS = 1_500;
/** Time an upgrade or a request head may take at the origin. */
export const ORIGIN_HEAD_TIMEOUT_MS = 60_000;
export const ORIGIN_UPGRADE_TIMEOUT_MS = 10_000;
/** Time from the agent's upgrade to its proven HELLO. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The agent's text "ping", answered by the platform without waking the object. */
export const PING_INTERVAL_MS = 30_000;
/** A cut link can be resumed this long … */
export const RESUME_GRACE_MS = 30_000;
/** … or only this long when another agent stands by. */
export const FAILOVER_GRACE_MS = 5_000;
/** With work pending, a peer that shows no progress for this long counts as gone. */
export const SILENT_AFTER_MS = 5_000;
/** Requests and upgrades wait this long for an agent that is away … */
export const HOLD_MS = 12_000;
/** … so many of them in one object, and of one session. */
export const MAX_HELD = 256;
export const MAX_HELD_PER_SESSION = 4;
/** A stopping agent lets open exchanges end for this long. */
export const DRAIN_MS = 10_000;
/** Largest clock difference in an agent's assertion. */
export const ASSERTION_SKEW_SECONDS = 60;
/** Longest wait for a WRITTEN of the identity that a WebSocket or a write needs. */
export const IDENTITY_WAIT_MS = 3_000;
/** RFC 6455 section 5.5: a control frame's payload is at most 125 bytes, two of them the code. */
export const MAX_CLOSE_REASON_BYTES = 123;
