import { chromium, type Browser } from "playwright-core";
import { findChromium } from "../../scripts/chromium.ts";
import { listDescendants, signalProcess } from "../../scripts/processes.mjs";

/** The Chromium of this checkout, without a window. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch(await settings());
}

/** A browser on a computer that can be put to sleep. */
export interface Laptop {
  browser: Browser;
  /** Stops every process of the browser where it is: nothing runs, no timer, no answer to a ping, clocks go on. */
  sleep(): void;
  wake(): void;
  stop(): Promise<void>;
}

export async function startLaptop(): Promise<Laptop> {
  const server = await chromium.launchServer(await settings());
  const browser = await chromium.connect(server.wsEndpoint());
  const pid = server.process().pid ?? 0;
  const signal = (name: NodeJS.Signals) => {
    for (const member of [{ pid }, ...listDescendants(pid)]) signalProcess(member.pid, name);
  };
  return {
    browser,
    sleep: () => signal("SIGSTOP"),
    wake: () => signal("SIGCONT"),
    stop: async () => {
      signal("SIGCONT");
      await browser.close();
      await server.close();
    },
  };
}

async function settings() {
  const found = await findChromium(".tidegate");
  return {
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  };
}
