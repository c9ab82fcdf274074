import type { Locator, Page } from "playwright-core";

/** Goes on from the notice of a first visit, when it is this person's first; ends where the chat can be seen. */
export async function passNotice(page: Page, chat: Locator): Promise<void> {
  const onward = page.getByRole("button", { name: /^Continue to / });
  await onward.or(chat).first().waitFor({ state: "visible", timeout: 60_000 });
  if (await onward.isVisible()) await onward.click();
  await chat.waitFor({ state: "visible", timeout: 60_000 });
}
