/** The one retry loop: dials, waits until that connection is over, and dials again. */
import { CONNECTION_CLOSE } from "#protocol/close-codes.ts";
import type { Log } from "../log.ts";
import { reconnectDelayMs } from "./backoff.ts";

/** How one attempt ended. */
export interface Ended {
  code: number;
  reason: string;
  /** It was connected long enough to count as a success. */
  stable: boolean;
  /** The gateway had proved its key. */
  proven: boolean;
}

export interface RetryLoop {
  /** One attempt; resolves when it is over, however it ended. Numbers rise by 1 from 1 for the process's life. */
  connectOnce: (attempt: number) => Promise<Ended>;
  /** Whether a cut link waits for the next connection: then it comes sooner. */
  canResume: () => boolean;
  /** Resolves after the delay, or early: when the signal is aborted, or when the network is back. */
  wait: (delayMs: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
  log: Log;
}

/** @returns `superseded` when the key runs elsewhere too, and newer: dialling on would only take turns with it */
export async function stayConnected(loop: RetryLoop, signal: AbortSignal): Promise<"stopped" | "superseded"> {
  let failures = 0;
  for (let attempt = 1; !signal.aborted; attempt++) {
    const ended = await loop.connectOnce(attempt);
    // A fake gateway must not be able to stop the agent.
    if (ended.proven && ended.code === CONNECTION_CLOSE.superseded) {
      loop.log("tunnel.superseded");
      return "superseded";
    }
    if (signal.aborted) break;
    failures = ended.stable ? 0 : failures + 1;
    const resumable = loop.canResume();
    const delayMs = reconnectDelayMs(Math.max(failures - 1, 0), resumable, loop.random);
    const { code, reason } = ended;
    loop.log("tunnel.disconnected", { attempt, delay_ms: delayMs, code, reason, resumable });
    await loop.wait(delayMs, signal);
  }
  return "stopped";
}
