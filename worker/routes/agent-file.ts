/** The agent's one file, for whoever asks: there is nothing secret in it, and the computer that needs it has no session. */
import type { AppContext } from "../context.ts";
import { GatewayError } from "../problem.ts";

/** @param name below the folder of assets; only these names are ever asked for */
export function agentFile(name: "agent.mjs" | "agent.json", contentType: string) {
  return async function agentFile(c: AppContext): Promise<Response> {
    const found = await c.env.ASSETS?.fetch(new Request(`https://assets.invalid/${name}`));
    if (found?.status !== 200) throw new GatewayError("not_found");
    return new Response(found.body, {
      // Asked again each time: both must be of the same deploy.
      headers: {
        "content-type": contentType,
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        // On the host of OpenClaw's pages: it is a download, and no script of any page's.
        "content-disposition": `attachment; filename="tidegate-${name}"`,
        "content-security-policy": "sandbox",
        "cross-origin-resource-policy": "same-origin",
      },
    });
  };
}
