import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { SUBPROTOCOL, VERSION } from "../protocol/version.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import { rootFolder } from "./paths.ts";

/** The files that the gateway serves below `/_gate/`; wrangler.toml names this folder. */
export const assetsFolder = join(rootFolder, "dist/assets");

/** @returns the agent as one file that runs wherever Node 20 or newer does */
export async function bundleAgent(): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [join(rootFolder, "workspace-agent/cli.ts")],
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // `ws` is CommonJS and calls require for node: modules, which an ES module does not have by itself.
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error("esbuild made no file");
  return file.contents;
}

/** Writes `agent.mjs`, and `agent.json` that says what it is: version, SHA-256 and the protocol it speaks. */
export async function buildAgentAssets(folder = assetsFolder): Promise<string> {
  const bytes = await bundleAgent();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  writeFileAtomic(join(folder, "agent.mjs"), Buffer.from(bytes).toString("utf8"), 0o644);
  writeFileAtomic(
    join(folder, "agent.json"),
    `${JSON.stringify({ version: VERSION, sha256, protocol: SUBPROTOCOL })}\n`,
    0o644,
  );
  return join(folder, "agent.mjs");
}

if (import.meta.main) await buildAgentAssets();
