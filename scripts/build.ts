import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { buildScript, kibibytes } from "./deploy/built-script.ts";
import { rootFolder } from "./paths.ts";
import { timed } from "./tool.ts";

/** Builds everything that is deployed or shipped, without deploying it, and prints the sizes. */
export async function runBuild(): Promise<boolean> {
  const results = [
    await timed("build gateway", () => buildAndShow("wrangler.toml", "gateway")),
    await timed("build tenant", () => buildAndShow("durable-objects/wrangler.toml", "tenant")),
    await timed("build agent", buildAgent),
  ];
  return results.every(Boolean);
}

async function buildAndShow(config: string, folder: string): Promise<boolean> {
  const { files } = await buildScript(config, folder);
  for (const { path, bytes, gzipBytes } of files) show(path, bytes, gzipBytes);
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
  show(outfile, statSync(outfile).size, gzipSync(readFileSync(outfile)).byteLength);
  return true;
}

function show(path: string, bytes: number, gzipBytes: number): void {
  console.log(`${path.slice(rootFolder.length + 1)}  ${kibibytes(bytes)}  gzip ${kibibytes(gzipBytes)}`);
}

if (import.meta.main) process.exit((await runBuild()) ? 0 : 1);
