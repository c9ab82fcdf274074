import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rootFolder } from "../paths.ts";
import { requireWrangler } from "./wrangler.ts";

/** What both scripts are built with, by a trial and by a deploy. */
export const BUILD_FLAGS = ["--minify", "--env", ""];

/** One of the two scripts as wrangler would upload it. */
export interface BuiltScript {
  /** Its name at Cloudflare. */
  name: string;
  /** Its configuration, below the checkout. */
  config: string;
  /** Changes with the code and with everything in the configuration; not with comments, time or folder. */
  build: string;
  files: { path: string; bytes: number; gzipBytes: number }[];
}

/** Builds a script without deploying it, into dist/. @throws {ScriptError} wrangler_failed */
export async function buildScript(config: string, folder: string): Promise<BuiltScript> {
  const outdir = join(rootFolder, "dist", folder);
  rmSync(outdir, { recursive: true, force: true });
  const args = ["deploy", "--dry-run", "--config", config, "--outdir", outdir, ...BUILD_FLAGS];
  await requireWrangler(`build ${config}`, { args });
  const { experimental_readRawConfig: readRawConfig } = await import("wrangler");
  const { rawConfig } = readRawConfig({ config: join(rootFolder, config) });
  const names = readdirSync(outdir).filter((entry) => entry.endsWith(".js"));
  const contents = names.toSorted().map((entry) => readFileSync(join(outdir, entry)));
  const hash = createHash("sha256").update(JSON.stringify(rawConfig));
  for (const content of contents) hash.update(content);
  return {
    name: String(rawConfig.name),
    config,
    build: hash.digest("hex").slice(0, 16),
    files: names.map((entry) => sizeOf(join(outdir, entry))),
  };
}

function sizeOf(path: string): BuiltScript["files"][number] {
  return { path, bytes: statSync(path).size, gzipBytes: gzipSync(readFileSync(path)).byteLength };
}

export function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
