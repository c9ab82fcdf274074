import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildAgentAssets } from "./build-agent.ts";
import { rootFolder } from "./paths.ts";
import { runTool, timed } from "./tool.ts";

/** Wrangler looks up accounts, versions and news unless told not to; a build needs none of it. */
const OFFLINE = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG: "warn",
};

/** Builds everything that is deployed or shipped, without deploying it, and prints the sizes. */
export async function runBuild(): Promise<boolean> {
  const results = [
    await timed("build agent", buildAgent),
    await timed("build gateway", () => buildScript("wrangler.toml", "gateway")),
    await timed("build tenant", () => buildScript("durable-objects/wrangler.toml", "tenant")),
  ];
  return results.every(Boolean);
}

async function buildScript(config: string, name: string): Promise<boolean> {
  const folder = join(rootFolder, "dist", name);
  // An explicit top-level environment: with [env.*] tables wrangler would warn that none was named.
  const args = ["deploy", "--dry-run", "--minify", "--config", config, "--outdir", folder, "--env", ""];
  if ((await runTool({ tool: "wrangler", args, env: OFFLINE })) !== 0) return false;
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith(".js"))) printSize(join(folder, file));
  return true;
}

/** First: the gateway's script is uploaded with it. */
async function buildAgent(): Promise<boolean> {
  printSize(await buildAgentAssets());
  return true;
}

function printSize(path: string): void {
  const gzip = gzipSync(readFileSync(path)).byteLength;
  console.log(`${path.slice(rootFolder.length + 1)}  ${kibibytes(statSync(path).size)}  gzip ${kibibytes(gzip)}`);
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

if (import.meta.main) process.exit((await runBuild()) ? 0 : 1);
