/** Errors of the wire. `code` is the contract; the text is for people. */

/** A peer broke SPEC.md: its connection ends with close code 4400 and the code as reason. */
export type ProtocolCode =
  | "bad_message_type"
  | "message_too_short"
  | "message_too_large"
  | "bad_json"
  | "bad_field"
  | "bad_batch_number"
  | "bad_codec"
  | "bad_frame_type"
  | "bad_frame_length"
  | "too_many_frames"
  | "bad_stream_id"
  | "bad_chunk"
  | "bad_acknowledgement"
  | "illegal_step"
  | "credit_exceeded"
  | "unexpected_message"
  | "bad_signature"
  | "stale_challenge"
  | "too_many_streams";

export class ProtocolError extends Error {
  readonly code: ProtocolCode;
  readonly fields: Record<string, string | number>;

  constructor(code: ProtocolCode, fields: Record<string, string | number> = {}) {
    super(code);
    this.name = "ProtocolError";
    this.code = code;
    this.fields = fields;
  }
}

/** Why one stream ended early; the connection goes on (SPEC.md section 7). */
export const RESET_CODES = {
  cancelled: 1,
  origin_unreachable: 2,
  origin_failed: 3,
  origin_timeout: 4,
  bad_head: 5,
  refused_target: 6,
  identity_unwritten: 7,
  session_ended: 8,
  too_large: 9,
  link_lost: 10,
  shutting_down: 11,
  bad_step: 12,
} as const;
export type ResetCode = keyof typeof RESET_CODES;

const RESET_NAMES = new Map(Object.entries(RESET_CODES).map(([name, code]) => [code as number, name as ResetCode]));

/** @returns the name of a wire code; unknown ones read as `origin_failed`, so that a newer peer can add some */
export function resetName(code: number): ResetCode {
  return RESET_NAMES.get(code) ?? "origin_failed";
}
