import type { ChatPage } from "./chat-page.ts";

const TRIES = 5;

/**
 * Has an agent of OpenClaw's answer for the first time, in a session of its own. That turn loads half of OpenClaw, and
 * on a busy machine may end before a reply: its own processes are at odds.
 */
export async function firstTurn(page: ChatPage, agent = "main"): Promise<void> {
  const [answered, refused] = ["Demo model: good morning", "ended before a reply"];
  for (let tries = 0; tries < TRIES; tries++) {
    await page.openNewSession(agent);
    await page.say("good morning");
    await page.showsOneOf(answered, refused);
    if ((await page.text()).includes(answered)) return;
  }
  throw new Error(`OpenClaw answers nothing:\n${await page.text()}`);
}
