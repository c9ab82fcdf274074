/** The agent's newer self, from the gateway: the very version that fits it (SPEC.md section 12). */
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import * as v from "valibot";
import { GATE_PREFIX } from "#protocol/version.ts";
import { CommandError } from "../commands/command.ts";
import { findProxy, proxyAgent } from "../connection/proxy.ts";

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;

const Manifest = v.object({
  version: v.pipe(v.string(), v.regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}(-[a-z0-9.]{1,32})?$/)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  protocol: v.string(),
});

export type Manifest = v.InferOutput<typeof Manifest>;

/** @throws {CommandError} no_agent_there */
export async function readManifest(url: URL, env: NodeJS.ProcessEnv): Promise<Manifest> {
  const bytes = await download(url, `${GATE_PREFIX}/agent.json`, env);
  try {
    return v.parse(Manifest, JSON.parse(bytes.toString("utf8")));
  } catch {
    throw new CommandError("no_agent_there", `${url.origin} serves no agent. It may be older than this one.`);
  }
}

/** @returns the file, which is what the manifest says @throws {CommandError} wrong_hash */
export async function downloadAgent(url: URL, manifest: Manifest, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const bytes = await download(url, `${GATE_PREFIX}/agent.mjs`, env);
  if (createHash("sha256").update(bytes).digest("hex") === manifest.sha256) return bytes;
  throw new CommandError(
    "wrong_hash",
    "The file is not the one that the gateway names. It may be deploying just now: try again.",
  );
}

async function download(url: URL, path: string, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const over = AbortSignal.timeout(TIMEOUT_MS);
  const proxy = findProxy(url, env);
  const options = { signal: over, ...(proxy === null ? {} : { agent: proxyAgent(proxy, over) }) };
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(new URL(path, url), options, (response) => {
    if (response.statusCode !== 200) {
      response.destroy();
      reject(new CommandError("no_agent_there", `${url.origin}${path} answers ${response.statusCode}.`));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) request.destroy(new Error("the file is too large"));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () => resolve(Buffer.concat(chunks)));
  });
  request.on("error", reject);
  request.end();
  try {
    return await promise;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError("gateway_unreachable", `${url.origin} does not answer (${code ?? message}).`);
  }
}
