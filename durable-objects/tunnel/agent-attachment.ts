/** What survives a loss of memory: beside the agent's socket, and in storage while a cut link has none. */
import type { LinkState } from "#protocol/link.ts";
import type { Challenge } from "#protocol/messages.ts";
import type { AgentCall } from "../rpc.ts";

/** `active` serves; `standby` waits to; `draining` said GOAWAY and only finishes (SPEC.md section 3.3). */
export type LinkRole = "active" | "standby" | "draining";

/** Everything a link needs to go on. */
export interface LinkRecord {
  link: string;
  call: AgentCall;
  /** The process that made it: another one cannot know the link. */
  boot: number;
  version: string;
  role: LinkRole;
  /** Milliseconds since the epoch; the oldest standby is promoted. */
  since: number;
  state: LinkState;
  nextStream: number;
}

export type AgentAttachment =
  | { kind: "agent"; phase: "challenged"; call: AgentCall; challenge: Challenge }
  | { kind: "agent"; phase: "linked"; record: LinkRecord }
  /** Superseded, resumed elsewhere or ended: whatever still comes from it changes nothing. */
  | { kind: "agent"; phase: "over" };
