/** The frames of a batch (SPEC.md section 5). Stream ids are 1 and up; 0 is the connection itself. */
import type { Person, Role } from "./identity.ts";
import type { RouteClass } from "./request-target.ts";

export type HeaderPair = [name: string, value: string];
export type MessageKind = "text" | "binary";
/** Why the agent kept a browser's message from OpenClaw: what it asks for, one of its parameters, or no two readers agree on it. */
export type DeniedReason = "method" | "parameter" | "unreadable";

/** What the agent needs to open one exchange at the origin. Typed fields carry the trust; `headers` are the client's. */
export interface OpenHead {
  kind: "http" | "ws";
  method: string;
  target: string;
  routeClass: RouteClass;
  headers: HeaderPair[];
  /** {@link Person.key} and the roster version that must be written before a WebSocket or a write goes on. */
  person: string;
  version: number;
  /** OpenClaw's user string. */
  user: string;
  /** Which list of OpenClaw's methods holds (WebSockets of class gateway). */
  role: Role;
  scopes: string[];
  clientAddress: string;
  scheme: "http" | "https";
  host: string;
  /** Whether DATA follows (http only). */
  body: boolean;
  /** Bytes that the agent may send at first (SPEC.md section 6). */
  credit: number;
}

export interface ResponseHead {
  status: number;
  headers: HeaderPair[];
}

export type Frame =
  | { type: "open"; stream: number; head: OpenHead }
  | { type: "head"; stream: number; head: ResponseHead; body: Uint8Array; end: boolean }
  | { type: "data"; stream: number; bytes: Uint8Array }
  | { type: "end"; stream: number }
  | { type: "accepted"; stream: number; protocol: string }
  | { type: "refused"; stream: number; head: ResponseHead; body: Uint8Array }
  | { type: "text"; stream: number; bytes: Uint8Array }
  | { type: "binary"; stream: number; bytes: Uint8Array }
  | { type: "offer"; stream: number; kind: MessageKind; bytes: number }
  | { type: "take"; stream: number; attempt: number }
  | { type: "part"; stream: number; attempt: number; offset: number; bytes: Uint8Array }
  | { type: "taken"; stream: number }
  | { type: "piece"; stream: number; kind: MessageKind; total: number; offset: number; bytes: Uint8Array }
  | { type: "close"; stream: number; code: number; reason: string }
  | { type: "reset"; stream: number; code: number }
  | { type: "credit"; stream: number; bytes: number }
  | { type: "denied"; stream: number; reason: DeniedReason; method: string; count: number }
  | { type: "roster"; stream: 0; version: number; people: Person[] }
  | { type: "identity"; stream: 0; version: number; person: Person }
  | { type: "forget"; stream: 0; version: number; person: string }
  | { type: "written"; stream: 0; version: number; result: "ok" | "unwritable" };

export type FrameType = Frame["type"];

/** Wire number of each frame type; never reused. */
export const FRAME_NUMBERS: Record<FrameType, number> = {
  open: 1,
  head: 2,
  data: 3,
  end: 4,
  accepted: 5,
  refused: 6,
  text: 7,
  binary: 8,
  offer: 9,
  take: 10,
  part: 11,
  taken: 12,
  piece: 13,
  close: 14,
  reset: 15,
  credit: 16,
  roster: 17,
  identity: 18,
  forget: 19,
  written: 20,
  denied: 21,
};

/** @returns the bytes of a frame that count against credit (SPEC.md section 6); PART is pulled instead, so it does not */
export function creditCost(frame: Frame): number {
  switch (frame.type) {
    case "data":
    case "text":
    case "binary":
    case "piece":
      return frame.bytes.byteLength;
    case "head":
      return frame.body.byteLength;
    default:
      return 0;
  }
}
