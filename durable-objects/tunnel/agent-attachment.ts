/** What the agent's socket carries through a loss of memory: everything the link needs to go on (SPEC.md section 3). */
import type { LinkState } from "#protocol/link.ts";
import type { Challenge } from "#protocol/messages.ts";
import type { AgentCall } from "../rpc.ts";

export type AgentAttachment =
  | { kind: "agent"; phase: "challenged"; call: AgentCall; challenge: Challenge }
  | {
      kind: "agent";
      phase: "linked";
      call: AgentCall;
      link: string;
      state: LinkState;
      nextStream: number;
    }
  /** Superseded or ended: whatever still comes from it changes nothing. */
  | { kind: "agent"; phase: "over" };
