/** One signed HTTP call to the gateway (SPEC.md section 12), by way of the company's proxy where there is one. */
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { callTranscript } from "#protocol/messages.ts";
import { AGENT_SCHEME, ERROR_HEADER } from "#protocol/version.ts";
import type { AgentKey } from "../agent-key.ts";
import { CommandError } from "../commands/command.ts";
import { findProxy, proxyAgent } from "../connection/proxy.ts";

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;

export interface Caller {
  url: URL;
  key: AgentKey;
  /** The agent's id; the public key itself while nobody knows it. */
  agent: string;
  pass: string | null;
  env: NodeJS.ProcessEnv;
  nowMs: number;
}

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

/** @returns the gateway's answer @throws {CommandError} with the gateway's own code, or what stands in the way */
export async function callGateway(
  caller: Caller,
  method: "GET" | "POST" | "DELETE",
  path: string,
  content?: object,
): Promise<Record<string, unknown>> {
  const { url } = caller;
  const body = content === undefined ? "" : JSON.stringify(content);
  const answer = await send(url, method, path, body, authorization(caller, method, path, body), caller.env).catch(
    (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new CommandError("gateway_unreachable", `${url.origin} does not answer (${code ?? message}).`);
    },
  );
  refuseOthers(url, answer);
  const value = parse(answer.text);
  const code = answer.headers[ERROR_HEADER];
  if (typeof code === "string") {
    const { title, detail } = value ?? {};
    throw new CommandError(plain(code), [title, detail].filter((part) => typeof part === "string").join(". "));
  }
  if (answer.status !== 200 || value === undefined) throw notAGateway(url, answer.status);
  return value;
}

function authorization({ url, key, agent, pass, nowMs }: Caller, method: string, path: string, body: string): string {
  const seconds = Math.floor(nowMs / 1000);
  const digest = createHash("sha256").update(body).digest("base64url");
  const transcript = callTranscript({ host: url.host, agent, seconds, method, path }, digest);
  const signature = Buffer.from(key.sign(transcript)).toString("base64url");
  return `${AGENT_SCHEME} ${agent}.${seconds}.${signature}${pass === null ? "" : `.${pass}`}`;
}

function send(
  url: URL,
  method: string,
  path: string,
  body: string,
  proof: string,
  env: NodeJS.ProcessEnv,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const over = AbortSignal.timeout(TIMEOUT_MS);
  const proxy = findProxy(url, env);
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(new URL(path, url), {
    method,
    signal: over,
    // The gateway refuses writes without an Origin of its own, as it must of browsers.
    headers: {
      authorization: proof,
      origin: url.origin,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
    ...(proxy === null ? {} : { agent: proxyAgent(proxy, over) }),
  });
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () => {
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, headers, text: Buffer.concat(chunks).toString("utf8") });
    });
  });
  request.end(body);
  return promise;
}

/** Redirects are never followed: the signature is for this host. */
function refuseOthers(url: URL, { status, headers }: Answer): void {
  if (status < 300 || status > 399) return;
  const host = URL.parse(String(headers["location"]), url.href)?.hostname ?? "";
  if (host.endsWith(".cloudflareaccess.com")) {
    const mend = `Take the Access application off ${url.hostname}, or let it bypass /_gate/*.`;
    throw new CommandError("access_in_front", `Cloudflare Access stands before ${url.hostname}. ${mend}`);
  }
  throw notAGateway(url, status);
}

function notAGateway(url: URL, status: number): CommandError {
  return new CommandError(
    "not_a_gateway",
    `${url.origin} answers (${status}), but not as a Tidegate gateway. Is the address right?`,
  );
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function plain(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? code : "refused";
}
