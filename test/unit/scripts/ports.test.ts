import { createServer } from "node:net";
import { expect, test } from "vitest";
import { findFreePort, isPortFree } from "../../../scripts/ports.ts";

test("a free port is none that outgoing connections get, and can be listened on", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => findFreePort()));
  for (const port of ports) expect(port).toSatisfy((one: number) => one >= 20_000 && one < 32_000);
  expect(new Set(ports).size).toBeGreaterThan(40);
  const [port = 0] = ports;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect(await isPortFree(port)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});

test("an address that is not this machine's says so instead of trying for ever", async () => {
  await expect(findFreePort("192.0.2.1")).rejects.toMatchObject({ code: "port_in_use" });
});
