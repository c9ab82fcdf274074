/** Notices that this machine's network came back, so that nobody waits out a delay that has lost its reason. */
import type { NetworkInterfaceInfo } from "node:os";

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

export const NETWORK_POLL_MS = 500;

export interface RedialWait {
  interfaces: () => Interfaces;
  /** Resolves after the delay, or early when the signal is aborted; never rejects. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Waits, and looks at the network's addresses meanwhile. @returns whether they changed, which ended the wait */
export async function waitForNetwork(wait: RedialWait, delayMs: number, signal: AbortSignal): Promise<boolean> {
  const before = addresses(wait.interfaces());
  for (let leftMs = delayMs; leftMs > 0 && !signal.aborted; leftMs -= NETWORK_POLL_MS) {
    await wait.sleep(Math.min(leftMs, NETWORK_POLL_MS), signal);
    if (addresses(wait.interfaces()) !== before) return true;
  }
  return false;
}

/** Loopback never goes away and leads nowhere. */
function addresses(interfaces: Interfaces): string {
  const all = Object.entries(interfaces).flatMap(([name, infos = []]) =>
    infos.filter(({ internal }) => !internal).map(({ cidr, address }) => `${name} ${cidr ?? address}`),
  );
  return all.toSorted().join("\n");
}
