/** Sends what a person types into the Control UI. */
import type { Locator } from "playwright-core";
import { expect } from "vitest";

/** Sends a message, as soon as the UI takes one: until then Enter does nothing, and the text stays where it is. */
export async function say(composer: Locator, text: string): Promise<void> {
  await composer.fill(text);
  const isTaken = async () => {
    if ((await composer.inputValue()) !== text) return true;
    await composer.press("Enter");
    return (await composer.inputValue()) !== text;
  };
  await expect.poll(isTaken, { timeout: 60_000, interval: 500 }).toBe(true);
}
