/** Who calls, by a signature in `Authorization`: verified without I/O, so that strangers never reach an object (SPEC.md sections 1 and 12). */
import { ASSERTION_SKEW_SECONDS } from "#protocol/limits.ts";
import { assertionTranscript, callTranscript } from "#protocol/messages.ts";
import { AGENT_SCHEME } from "#protocol/version.ts";
import type { Tenant } from "../config/tenant.ts";
import { fromBase64Url, toBase64Url } from "../cookies/base64url.ts";
import { GatewayError } from "../problem.ts";
import type { AgentPasses } from "./agent-pass.ts";

export interface AgentProof {
  agent: string;
  /** Raw Ed25519, base64url; its owner signed. */
  publicKey: string;
  /** The key is the tenant document's. */
  configured: boolean;
  /** The pass was made by a former secret. */
  stale: boolean;
}

interface Credentials {
  agent: string;
  seconds: number;
  signature: Uint8Array<ArrayBuffer>;
  pass: string | undefined;
}

const HEADER = /^(\S+) ([A-Za-z0-9_-]{8,64})\.(\d{1,12})\.([A-Za-z0-9_-]{86})(?:\.([A-Za-z0-9_-]{1,128}))?$/;

/** The upgrade's. @throws {GatewayError} agent_refused | clock_off */
export async function proveUpgrade(
  passes: AgentPasses,
  tenant: Tenant,
  authorization: string,
  nowMs: number,
): Promise<AgentProof> {
  const credentials = parse(authorization);
  const known = await keyOf(passes, tenant, credentials);
  const transcript = assertionTranscript(tenant.publicUrl.host, credentials.agent, credentials.seconds);
  await verify(known.publicKey, credentials, transcript, nowMs);
  return { agent: credentials.agent, ...known };
}

/** An HTTP call of an enrolled agent. @throws {GatewayError} agent_refused | clock_off */
export async function proveCall(
  passes: AgentPasses,
  tenant: Tenant,
  request: SignedRequest,
  nowMs: number,
): Promise<AgentProof> {
  const credentials = parse(request.authorization);
  const known = await keyOf(passes, tenant, credentials);
  await verify(known.publicKey, credentials, await callOf(tenant, credentials, request), nowMs);
  return { agent: credentials.agent, ...known };
}

/** A call of a key that nobody knows yet and that is its own name. @returns it @throws {GatewayError} agent_refused | clock_off */
export async function proveKey(tenant: Tenant, request: SignedRequest, nowMs: number): Promise<string> {
  const credentials = parse(request.authorization);
  if (credentials.pass !== undefined) throw new GatewayError("agent_refused");
  await verify(credentials.agent, credentials, await callOf(tenant, credentials, request), nowMs);
  return credentials.agent;
}

export interface SignedRequest {
  authorization: string;
  method: string;
  path: string;
  body: Uint8Array<ArrayBuffer>;
}

/** @returns whether `publicKey`'s owner signed `transcript` */
export async function isSignedBy(publicKey: string, signature: string, transcript: Uint8Array<ArrayBuffer>) {
  const [raw, bytes] = [fromBase64Url(publicKey), fromBase64Url(signature)];
  if (raw?.byteLength !== 32 || bytes?.byteLength !== 64) return false;
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, bytes, transcript);
}

function parse(authorization: string): Credentials {
  const [, scheme, agent = "", seconds = "", signatureText = "", pass] = HEADER.exec(authorization) ?? [];
  const signature = fromBase64Url(signatureText);
  if (scheme !== AGENT_SCHEME || signature === undefined) throw new GatewayError("agent_refused");
  return { agent, seconds: Number(seconds), signature, pass };
}

async function keyOf(
  passes: AgentPasses,
  tenant: Tenant,
  { agent, pass }: Credentials,
): Promise<Omit<AgentProof, "agent">> {
  if (pass !== undefined) {
    const read = await passes.read(tenant.id, agent, pass);
    if (read !== undefined) return { ...read, configured: false };
  }
  const publicKey = tenant.agentKeys.get(agent);
  if (publicKey === undefined || pass !== undefined) throw new GatewayError("agent_refused");
  return { publicKey, configured: true, stale: false };
}

/** The signature first: only the key's owner hears that the clock is wrong. */
async function verify(
  publicKey: string,
  { seconds, signature }: Credentials,
  transcript: Uint8Array<ArrayBuffer>,
  nowMs: number,
): Promise<void> {
  if (!(await isSignedBy(publicKey, toBase64Url(signature), transcript))) throw new GatewayError("agent_refused");
  if (Math.abs(nowMs / 1000 - seconds) > ASSERTION_SKEW_SECONDS) throw new GatewayError("clock_off");
}

async function callOf({ publicUrl }: Tenant, { agent, seconds }: Credentials, { method, path, body }: SignedRequest) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return callTranscript({ host: publicUrl.host, agent, seconds, method, path }, toBase64Url(digest));
}
