import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { NETWORK_POLL_MS, waitForNetwork } from "../../workspace-agent/connection/network-return.ts";

const address = (cidr: string, internal = false) => ({ cidr, address: cidr, internal }) as NetworkInterfaceInfo;
const offline = { lo: [address("127.0.0.1/8", true)] };
const online = { ...offline, eth0: [address("192.0.2.7/24")] };

/** Waits 5 s over scripted looks at the network, the last one repeated. */
async function wait(...looks: NodeJS.Dict<NetworkInterfaceInfo[]>[]) {
  const controller = new AbortController();
  const slept: number[] = [];
  let look = 0;
  const changed = await waitForNetwork(
    {
      interfaces: () => looks[Math.min(look++, looks.length - 1)] ?? {},
      sleep: async (delayMs) => void slept.push(delayMs),
    },
    5_000,
    controller.signal,
  );
  return { changed, slept };
}

test("the wait is over as soon as an address comes", async () => {
  expect(await wait(offline, offline, online)).toEqual({ changed: true, slept: [NETWORK_POLL_MS, NETWORK_POLL_MS] });
});

test("another address on the same interface is another network", async () => {
  const moved = { ...offline, eth0: [address("198.51.100.7/24")] };
  expect((await wait(online, moved)).changed).toBe(true);
});

test("a network that stays as it is, or loopback alone, ends nothing", async () => {
  const { changed, slept } = await wait(online, online);
  expect(changed).toBe(false);
  expect(slept).toHaveLength(10);
  expect((await wait(offline, { lo: [address("127.0.0.1/8", true), address("::1/128", true)] })).changed).toBe(false);
});

test("an aborted wait does not go on", async () => {
  const controller = new AbortController();
  let slept = 0;
  const sleep = async () => {
    slept += 1;
    controller.abort();
  };
  expect(await waitForNetwork({ interfaces: () => online, sleep }, 5_000, controller.signal)).toBe(false);
  expect(slept).toBe(1);
});
