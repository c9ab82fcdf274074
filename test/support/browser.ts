import { chromium, type Browser } from "playwright-core";
import { findChromium } from "../../scripts/chromium.ts";

/** The Chromium of this checkout, without a window. */
export async function startBrowser(): Promise<Browser> {
  const found = await findChromium(".tidegate");
  return chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
