/** What the gate reads of a client's request to OpenClaw's gateway, and what may be wrong with one. */

export interface Envelope {
  id: string;
  method: string;
  /** Names of the top-level parameters; empty when `params` is missing or no object. */
  params: ReadonlySet<string>;
}

/** Why a message is no request that two parsers read alike; its socket is closed 1007. */
export type EnvelopeFaultCode =
  | "bad_utf8"
  | "bad_json"
  | "too_deep"
  | "too_long"
  | "too_many_parameters"
  | "duplicate_key"
  | "not_a_request"
  | "not_text";

export class EnvelopeFault extends Error {
  readonly code: EnvelopeFaultCode;

  constructor(code: EnvelopeFaultCode) {
    super(code);
    this.name = "EnvelopeFault";
    this.code = code;
  }
}
