/** What a stream and its link owe each other. */
import type { Frame } from "#protocol/frame.ts";
import type { ResetCode } from "#protocol/errors.ts";

/** Frames of one open stream; OPEN creates it and the identity frames belong to the link. */
export type StreamFrame = Exclude<Frame, { stream: 0 } | { type: "open" }>;

/** One exchange with the origin. */
export interface Stream {
  /** True while {@link sendSome} would queue something: bytes at hand, and credit for them. */
  readonly ready: boolean;
  /** Queues one frame of body, at most `limitBytes` of it; only called while {@link ready}. */
  sendSome(limitBytes: number): void;
  /** Applies one frame. @throws {ProtocolError} illegal_step or credit_exceeded */
  receive(frame: StreamFrame): void;
  /** Ends the exchange at the origin and says nothing to the gateway: its link is over, or it forgot the stream. */
  abandon(): void;
  /** Ends the exchange at both ends: this process stops. */
  stop(): void;
}

/** A stream's way to its link. */
export interface StreamPort {
  /** Queues a frame that takes no turn: heads, ends, credit. It leaves in the batch under way. */
  queue(frame: Frame): void;
  /** Asks for turns as long as the stream is ready. */
  wake(): void;
  /** Forgets the stream's id: whatever still comes for it is ignored. */
  close(): void;
  /** Queues RESET and closes. */
  reset(code: ResetCode): void;
}
