import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
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
    await timed("build gateway", () => buildScript("wrangler.toml", "gateway")),
    await timed("build tenant", () => buildScript("durable-objects/wrangler.toml", "tenant")),
    await timed("build agent", buildAgent),
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

/** One file that runs wherever Node does, beside OpenClaw. */
async function buildAgent(): Promise<boolean> {
  const outfile = join(rootFolder, "dist", "tidegate-agent.mjs");
  await build({
    entryPoints: [join(rootFolder, "workspace-agent/cli.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // `ws` is CommonJS and calls require for node: modules, which an ES module does not have by itself.
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  printSize(outfile);
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
