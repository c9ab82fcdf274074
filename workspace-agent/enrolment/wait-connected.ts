/** Waits until the gateway itself says that the agent is there: what a service manager calls running may not be. */
import { GATE_PREFIX } from "#protocol/version.ts";
import { CommandError, type CommandContext } from "../commands/command.ts";
import { requireCaller } from "./enrolled.ts";
import { callGateway } from "./gateway-call.ts";

const POLL_MS = 500;

/** @returns whether it connected within `timeoutMs` */
export async function waitConnected(context: CommandContext, timeoutMs: number): Promise<boolean> {
  for (const until = context.nowMs() + timeoutMs; ; await context.sleep(POLL_MS)) {
    try {
      const { role, configured } = await callGateway(requireCaller(context), "GET", `${GATE_PREFIX}/agent`);
      // Of a key in the tenant document the gateway tells nothing here.
      if (role !== null || configured === true) return true;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
    if (context.nowMs() >= until) return false;
  }
}
