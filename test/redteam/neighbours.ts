/** What must be as it was after an attack: the neighbour, the gateway's own pages, and the attacked tenant itself. */
import { valuesOf } from "../support/http-exchange.ts";
import type { TwoTenants } from "./two-tenants.ts";

export const UNAFFECTED = "all others unaffected";

/** @returns {@link UNAFFECTED}, or who is not */
export async function lookAround({ evil, good, ask, isConnected }: TwoTenants): Promise<string> {
  for (const site of [evil, good]) {
    if (!(await isConnected(site))) return `the agent of ${site.id} is gone`;
    // More than once: reads share the agent's connections to OpenClaw.
    for (let turn = 0; turn < 3; turn++) {
      const page = await ask(site.origin, "GET", `/page/${turn}`, [["Cookie", site.bob]]);
      if (page.status !== 200 || String(page.body) !== site.body) {
        return `${site.id} answers ${page.status} ${String(page.body).slice(0, 40)}`;
      }
    }
    const own = await ask(site.origin, "GET", "/_gate/session", [["Cookie", site.bob]]);
    if (own.status !== 200 || valuesOf(own.headers, "set-cookie").length > 0)
      return `bob's session at ${site.id}: ${own.status}`;
  }
  return UNAFFECTED;
}
