import { join } from "node:path";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import type { TenantRpc } from "../durable-objects/rpc.ts";
import { hasIpv6Loopback } from "./ports.ts";
import { rootFolder } from "./paths.ts";
import { ScriptError } from "./script-error.ts";

/** `enable_request_signal` is on by default from this date, so no flags are needed. */
const COMPATIBILITY_DATE = "2026-11-17";
const GATEWAY_SCRIPT = "tidegate-gateway";
const ASSETS_SCRIPT = "tidegate-assets";
const TENANT_SCRIPT = "tidegate-tenant";
const TENANT_CLASS = "TenantObject";
/** As in wrangler.toml. */
const CRON = "* * * * *";
const SCHEDULE_MS = 60_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface EdgeOptions {
  port: number;
  /** Where the console is; the same Worker, told apart by its host. */
  consolePort?: number | undefined;
  /** Durable Object storage lives here and survives a restart. */
  stateFolder: string;
  gatewayVars: Record<string, string>;
  tenantVars: Record<string, string>;
  /** What the gateway serves of itself: the agent's file. */
  assetsFolder?: string | undefined;
  /** Other entry files than ours, for a trial. */
  entries?: { gateway: string; tenant: string };
  /** Receives each line a script logs. */
  onLog?: (line: string, level: string) => void;
}

export interface Edge {
  url: string;
  dispose(): Promise<void>;
  /** The gateway's scheduled run, which comes every minute by itself. */
  runScheduled(): Promise<void>;
  /** Forgets a tenant object's memory as the platform does when it sleeps; its sockets stay. */
  evict(tenantObjectName: string): Promise<void>;
  /** Asks a tenant object as the gateway does. */
  tenantObject(name: string): Promise<TenantRpc>;
}

interface Scheduled {
  scheduled(options: { cron: string }): Promise<{ outcome: string }>;
}

/**
 * Runs both scripts in the real runtime on this machine, with no account and no network.
 * @throws {ScriptError} edge_not_started | not_enough_disk
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const entries = options.entries ?? {
    gateway: join(rootFolder, "worker/index.stub.ts"),
    tenant: join(rootFolder, "durable-objects/index.ts"),
  };
  const [gateway, tenant] = await Promise.all([bundleScript(entries.gateway), bundleScript(entries.tenant)]);
  const hosts = (await hasIpv6Loopback()) ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  const tenantBinding = { type: "durable-object", exportName: TENANT_CLASS, worker: TENANT_SCRIPT } as const;
  const ports = [options.port, ...(options.consolePort === undefined ? [] : [options.consolePort])];
  const restoreSignals = rememberSignals();
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
    handleStructuredLogs: ({ message, level }) => options.onLog?.(message, level),
    resourcePersistencePath: options.stateFolder,
    workers: [
      {
        config: {
          name: GATEWAY_SCRIPT,
          compatibilityDate: COMPATIBILITY_DATE,
          manifest: manifestOf(gateway),
          env: { ...textBindings(options.gatewayVars), TENANT: tenantBinding, ...assetsBinding(options.assetsFolder) },
        },
        // Miniflare's own entry worker normalizes request targets and costs two thirds of the speed: go round it.
        dev: { unsafeDirectSockets: hosts.flatMap((host) => ports.map((port) => ({ host, port }))) },
      },
      {
        config: {
          name: TENANT_SCRIPT,
          compatibilityDate: COMPATIBILITY_DATE,
          manifest: manifestOf(tenant),
          env: { ...textBindings(options.tenantVars), TENANT: tenantBinding },
          exports: { [TENANT_CLASS]: { type: "durable-object", storage: "sqlite" } },
        },
      },
      ...assetsScript(options.assetsFolder),
    ],
  });
  restoreSignals();
  try {
    await miniflare.ready;
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    throw notStarted(error as Error, options.stateFolder);
  }
  const runScheduled = async () => {
    // Its type speaks of a fetcher without events.
    const worker = (await miniflare.getWorker(GATEWAY_SCRIPT)) as unknown as Scheduled;
    const { outcome } = await worker.scheduled({ cron: CRON });
    if (outcome !== "ok") options.onLog?.(`the scheduled run ended with ${outcome}`, "error");
  };
  // Crons are the platform's, and this is the platform here.
  const schedule = setInterval(() => {
    runScheduled().catch((error: Error) => options.onLog?.(`the scheduled run failed: ${error.message}`, "error"));
  }, SCHEDULE_MS);
  return {
    url: `http://localhost:${options.port}`,
    runScheduled,
    async tenantObject(name) {
      const objects = await miniflare.getDurableObjectNamespace("TENANT", GATEWAY_SCRIPT);
      return (objects as unknown as { getByName(name: string): TenantRpc }).getByName(name);
    },
    async dispose() {
      clearInterval(schedule);
      await miniflare.dispose();
    },
    evict: (name) => miniflare.unsafeEvictDurableObject(TENANT_SCRIPT, TENANT_CLASS, { name }),
  };
}

/**
 * Miniflare ends the whole process at the first signal, before the other parts have been ended: returns what takes
 * its listeners away again. Its hook on the process's exit stays.
 */
function rememberSignals(): () => void {
  const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  return () => {
    for (const [signal, kept] of before) {
      for (const listener of process.listeners(signal)) if (!kept.includes(listener)) process.off(signal, listener);
    }
  };
}

/** In words: a full disk must not send anybody to delete what is stored. */
export function notStarted(cause: Error, stateFolder: string): ScriptError {
  const sqlite = /SQLITE_\w+/.exec(cause.message)?.[0];
  if (sqlite === "SQLITE_FULL") {
    const text = `the disk is full at ${stateFolder}. Make room and run the same command again`;
    return new ScriptError("not_enough_disk", text, { cause });
  }
  const reason = sqlite ?? cause.message.split("\n")[0];
  const text = `the local Workers runtime did not start (${reason}). If ${stateFolder} is damaged, start afresh with: npm run reset`;
  return new ScriptError("edge_not_started", text, { cause });
}

/** One script as one module, resolved as wrangler resolves it. */
async function bundleScript(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  return result.outputFiles[0]?.text ?? "";
}

function manifestOf(contents: string) {
  return {
    mainModule: "index.js",
    modulesRoot: rootFolder,
    modules: { "index.js": { type: "esm", contents } as const },
  };
}

function assetsBinding(folder: string | undefined): Record<string, { type: "worker"; worker: string }> {
  return folder === undefined ? {} : { ASSETS: { type: "worker", worker: ASSETS_SCRIPT } };
}

/** Beside the gateway and not before it: as a part of it, the router of assets would rewrite targets before their check. */
function assetsScript(folder: string | undefined) {
  if (folder === undefined) return [];
  const manifest = manifestOf("export default { fetch: (request, env) => env.ASSETS.fetch(request) };");
  const assets = { directory: folder, hasUserWorker: true };
  const env = { ASSETS: { type: "assets" } as const };
  return [{ config: { name: ASSETS_SCRIPT, compatibilityDate: COMPATIBILITY_DATE, manifest, env, assets } }];
}

function textBindings(vars: Record<string, string>) {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, { type: "text", value } as const]));
}
