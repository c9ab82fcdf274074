/** All that is attacked: the whole with a real OpenClaw, two tenants of which one means harm, and a browser. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { findChromium } from "../../scripts/chromium.ts";
import { RealOpenClaw } from "./real-openclaw.ts";
import { DOMAIN, startTwoTenants, type TwoTenants } from "./two-tenants.ts";

export interface World {
  real: RealOpenClaw;
  tenants: TwoTenants;
  browser: Browser;
  stop(): Promise<void>;
}

export async function startWorld(home: string): Promise<World> {
  const folders = ["real", "tenants"].map((name) => join(home, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const [realHome = "", tenantsHome = ""] = folders;
  const begun = await Promise.allSettled([RealOpenClaw.start(realHome), startTwoTenants(tenantsHome), startBrowser()]);
  const [real, tenants, browser] = begun;
  const stop = async () => {
    if (browser.status === "fulfilled") await browser.value.close();
    if (tenants.status === "fulfilled") await tenants.value.stop();
    if (real.status === "fulfilled") await real.value.stop();
  };
  if (real.status === "fulfilled" && tenants.status === "fulfilled" && browser.status === "fulfilled") {
    return { real: real.value, tenants: tenants.value, browser: browser.value, stop };
  }
  await stop();
  throw new Error("the world of the red team did not start", {
    cause: begun.find(({ status }) => status === "rejected"),
  });
}

/** Chromium, for which the company's domain is this machine. Playwright's own switch does not reach service workers. */
async function startBrowser(): Promise<Browser> {
  const found = await findChromium(".tidegate");
  return chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--ignore-certificate-errors",
      `--host-resolver-rules=MAP *.${DOMAIN} 127.0.0.1`,
    ],
  });
}
