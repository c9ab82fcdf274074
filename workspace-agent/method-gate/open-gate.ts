/** Gates of one agent: what they share is their memory and their count. */
import type { DeniedReason } from "#protocol/frame.ts";
import type { Role } from "#protocol/identity.ts";
import { MAX_MESSAGE_BYTES } from "#protocol/limits.ts";
import { type Denial, Denials } from "./denials.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { type GateOutput, MethodGate } from "./method-gate.ts";

/** The largest message of one person, and a few smaller ones besides. */
const HELD_BYTES = MAX_MESSAGE_BYTES + 7 * 1024 * 1024;

export interface SocketOutput extends Omit<GateOutput, "denied"> {
  /** Tells the gateway of refusals, not of each one. */
  denied: (denial: Denial) => void;
}

/** Opens the gate of one socket, for the role that its OPEN came with. */
export type OpenGate = (role: Role, output: SocketOutput) => MethodGate;

export interface Gates {
  open: OpenGate;
  /** Messages kept from OpenClaw. */
  denied: Readonly<Record<DeniedReason, number>>;
}

export function createGates(): Gates {
  const memory = new MemoryBudget(HELD_BYTES);
  const counts = { method: 0, parameter: 0, unreadable: 0 };
  return {
    denied: counts,
    open(role, output) {
      const denials = new Denials();
      return new MethodGate(role, memory, {
        ...output,
        denied(reason, method) {
          counts[reason] += 1;
          const denial = denials.count(reason, method);
          if (denial !== null) output.denied(denial);
        },
      });
    },
  };
}
