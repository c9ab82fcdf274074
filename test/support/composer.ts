/** Sends what a person types into the Control UI. */
import type { Locator } from "playwright-core";
import { vi } from "vitest";

/** Sends a message, as soon as the UI takes one: until then Enter does nothing, and the text stays where it is. */
export async function say(composer: Locator, text: string): Promise<void> {
  await composer.fill(text);
  const isTaken = async () => (await composer.inputValue()) !== text;
  const send = async () => {
    if (await isTaken()) return;
    await composer.press("Enter");
    if (!(await isTaken())) throw new Error(`the page does not take ${JSON.stringify(text)}`);
  };
  // Not expect.poll: this is called outside of tests, too.
  await vi.waitFor(send, { timeout: 60_000, interval: 500 });
}
