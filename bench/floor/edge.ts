/** Runs the floor in workerd, by the same means as the product's edge. */
import { join } from "node:path";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import { rootFolder } from "../../scripts/paths.ts";

export async function startFloorEdge(port: number): Promise<{ dispose(): Promise<void> }> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
    logLevel: "silent",
  });
  const modules = { "index.js": { type: "esm", contents: outputFiles[0]?.text ?? "" } as const };
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    enableDevRegistry: false,
    unsafeLocalExplorer: false,
    unsafeObservability: false,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    workers: [
      {
        config: {
          name: "floor",
          compatibilityDate: "2026-11-17",
          manifest: { mainModule: "index.js", modulesRoot: rootFolder, modules },
          env: { FLOOR: { type: "durable-object", exportName: "FloorObject", worker: "floor" } },
          exports: { FloorObject: { type: "durable-object", storage: "sqlite" } },
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port }] },
      },
    ],
  });
  await miniflare.ready;
  return miniflare;
}
