import { readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { buildAgentAssets } from "./build-agent.ts";
import { buildScript, kibibytes } from "./deploy/built-script.ts";
import { rootFolder } from "./paths.ts";
import { timed } from "./tool.ts";

/** Builds everything that is deployed or shipped, without deploying it, and prints the sizes. */
export async function runBuild(): Promise<boolean> {
  const results = [
    await timed("build agent", buildAgent),
    await timed("build gateway", () => buildAndShow("wrangler.toml", "gateway")),
    await timed("build tenant", () => buildAndShow("durable-objects/wrangler.toml", "tenant")),
  ];
  return results.every(Boolean);
}

async function buildAndShow(config: string, folder: string): Promise<boolean> {
  const { files } = await buildScript(config, folder);
  for (const { path, bytes, gzipBytes } of files) show(path, bytes, gzipBytes);
  return true;
}

/** First: the gateway's script is uploaded with it. */
async function buildAgent(): Promise<boolean> {
  const file = await buildAgentAssets();
  show(file, statSync(file).size, gzipSync(readFileSync(file)).byteLength);
  return true;
}

function show(path: string, bytes: number, gzipBytes: number): void {
  console.log(`${path.slice(rootFolder.length + 1)}  ${kibibytes(bytes)}  gzip ${kibibytes(gzipBytes)}`);
}

if (import.meta.main) process.exit((await runBuild()) ? 0 : 1);
