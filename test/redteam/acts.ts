/** What a page of the hostile OpenClaw does in alice's browser, and what must be as it was behind it. */
import type { Attempt } from "./attempt.ts";
import { Victim } from "./victim.ts";
import type { World } from "./world.ts";

const STAYS = "alice signed in everywhere";

/** Script that reads the window `other` as soon as its page is there, or cannot. */
export const READ_WINDOW =
  "for (;;) { const text = other.document.body?.textContent; if (text) return text; await new Promise((done) => setTimeout(done, 10)) }";

export interface Act {
  name: string;
  threat?: string;
  /** What the page gets of it. */
  expected: string;
  /** @returns what the page got */
  act(victim: Victim, world: World): Promise<string>;
}

/** @returns attempts that must leave alice signed in, at both tenants and both consoles */
export function attemptsOf(acts: Act[]): Attempt[] {
  return acts.map(({ name, threat = "T6", expected, act }) => ({
    id: `page/${name}`,
    threat,
    tried: `a page of the hostile OpenClaw, at the ${name}`,
    expected: `${expected}; ${STAYS}`,
    run: (world) => withVictim(world, (victim) => act(victim, world)),
  }));
}

async function withVictim(world: World, act: (victim: Victim) => Promise<string>): Promise<string> {
  const victim = await Victim.visit(world);
  try {
    const got = await act(victim);
    const out = await victim.signedOutOf();
    return `${got}; ${out.length === 0 ? STAYS : `alice signed out of: ${out.join(", ")}`}`;
  } finally {
    await victim.close();
  }
}

/** Shows `url` in a frame of the page. */
export async function frame(victim: Victim, url: string): Promise<string> {
  await victim.run(
    `return new Promise((done) => { const f = document.createElement("iframe"); f.onload = () => done("loaded"); f.src = ${JSON.stringify(url)}; document.body.append(f); })`,
  );
  const inner = victim.page.frames().at(-1);
  const text = (await inner?.textContent("body")) ?? "";
  return /Sign out|Console|End everybody|Your session/.test(text)
    ? `shows ${text.trim().slice(0, 40)}`
    : "nothing is shown";
}
