/**
 * What agents ask over HTTP (SPEC.md section 12). Under `/_gate/device` a key asks to be let in, under `/_gate/agent` an
 * enrolled one asks about itself. No cookie counts here, and no object is asked before a signature has been verified.
 */
import { Hono } from "hono";
import * as v from "valibot";
import { addressPrefix } from "#protocol/address-prefix.ts";
import { successionTranscript } from "#protocol/messages.ts";
import type { Enrolled, Result } from "../../durable-objects/rpc.ts";
import type { AppContext, AppEnv, Deps } from "../context.ts";
import { Buckets } from "../middleware/buckets.ts";
import { GatewayError, type ProblemCode } from "../problem.ts";
import { clientAddress, SHARD } from "../session-lifecycle.ts";
import { type AgentProof, isSignedBy, proveCall, proveKey, type SignedRequest } from "./agent-proof.ts";
import { Introduction, REQUEST_LIFETIME_MS } from "./enrolment-request.ts";

/** How often an agent asks whether it was approved. */
const INTERVAL_SECONDS = 5;
/** A poll reaches the object: ten at once from one address, then one in two and a half seconds. */
const POLLS = { burst: 10, perSecond: 0.4 };
const MAX_BODY_BYTES = 8_192;

const PublicKey = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));
const Poll = v.union([
  v.strictObject({ request: v.pipe(v.string(), v.maxLength(2_048)) }),
  v.strictObject({ token: v.pipe(v.string(), v.maxLength(2_048)), introduction: Introduction }),
]);
const Succession = v.strictObject({ publicKey: PublicKey, signature: v.pipe(v.string(), v.maxLength(128)) });

export function deviceRoutes(deps: Deps): Hono<AppEnv> {
  const device = new Hono<AppEnv>();
  const polls = new Buckets(POLLS.burst, POLLS.perSecond, deps.now);
  device.post("/", async (c) => {
    const { tenant } = c.var;
    const signed = await signedRequest(c);
    const publicKey = await proveKey(tenant, signed, deps.now());
    const introduction = parseJson(Introduction, signed.body);
    if (tenant.consoleUrl === null) throw new GatewayError("no_console");
    const expiresAt = deps.now() + REQUEST_LIFETIME_MS;
    const wish = { ...introduction, publicKey, address: clientAddress(deps, c), expiresAt };
    const request = await deps.agents.requests.seal(tenant.id, wish);
    const link = `${tenant.consoleUrl.origin}/device?request=${request}`;
    return answer(c, { request, link, intervalSeconds: INTERVAL_SECONDS, expiresAt });
  });
  device.post("/token", async (c) => {
    const { tenant } = c.var;
    const signed = await signedRequest(c);
    const publicKey = await proveKey(tenant, signed, deps.now());
    const poll = parseJson(Poll, signed.body);
    if (!polls.spend(`${tenant.id} ${addressPrefix(clientAddress(deps, c))}`)) throw new GatewayError("rate_limited");
    const enrolled = "token" in poll ? await byToken(c, publicKey, poll) : await byRequest(c, publicKey, poll.request);
    const { agent, gatewayKey } = valueOf(enrolled);
    const pass = await deps.agents.passes.make(tenant.id, agent, publicKey);
    return answer(c, { agentId: agent, tenant: tenant.id, gatewayKey, publicHost: tenant.publicUrl.host, pass });
  });
  return device;

  async function byRequest(c: AppContext, publicKey: string, sealed: string): Promise<Result<Enrolled, ProblemCode>> {
    const { id, call } = c.var.tenant;
    const wish = await deps.agents.requests.open(id, sealed, deps.now());
    if (wish?.publicKey !== publicKey) throw new GatewayError("enrolment_expired");
    return deps.tenantObject(id, SHARD).enrolment(call, publicKey);
  }

  async function byToken(
    c: AppContext,
    publicKey: string,
    { token, introduction }: { token: string; introduction: { name: string } },
  ): Promise<Result<Enrolled, ProblemCode>> {
    const { id, call } = c.var.tenant;
    const known = await deps.agents.tokens.open(id, token, deps.now());
    if (known === undefined) throw new GatewayError("token_used");
    return deps.tenantObject(id, SHARD).enrolByToken(call, known, { publicKey, name: introduction.name });
  }
}

export function agentRoutes(deps: Deps): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", async (c) => {
    const { proof } = await prove(c);
    const { id, call } = c.var.tenant;
    if (proof.configured) {
      return answer(c, { agent: proof.agent, name: proof.agent, role: null, configured: true });
    }
    const view = valueOf(await deps.tenantObject(id, SHARD).viewAgent(call, proof.agent, proof.publicKey));
    return answer(c, { ...view, configured: false, pass: await passOf(c, proof) });
  });
  routes.delete("/", async (c) => {
    const { proof } = await prove(c);
    // The tenant document's agents are ended there.
    if (proof.configured) throw new GatewayError("agent_unknown");
    const { id, call } = c.var.tenant;
    valueOf(await deps.tenantObject(id, SHARD).leaveAgent(call, proof.agent, proof.publicKey));
    return answer(c, {});
  });
  routes.post("/key", async (c) => {
    const { proof, body } = await prove(c);
    if (proof.configured) throw new GatewayError("agent_unknown");
    const { id, call, publicUrl } = c.var.tenant;
    const { agent } = proof;
    const { publicKey: next, signature } = parseJson(Succession, body);
    const transcript = successionTranscript(publicUrl.host, agent, next);
    if (!(await isSignedBy(next, signature, transcript))) throw new GatewayError("agent_refused");
    valueOf(await deps.tenantObject(id, SHARD).replaceKey(call, agent, proof.publicKey, next));
    return answer(c, { pass: await deps.agents.passes.make(id, agent, next) });
  });
  return routes;

  async function prove(c: AppContext): Promise<{ proof: AgentProof; body: Uint8Array<ArrayBuffer> }> {
    const signed = await signedRequest(c);
    return { proof: await proveCall(deps.agents.passes, c.var.tenant, signed, deps.now()), body: signed.body };
  }

  function passOf(c: AppContext, { agent, publicKey }: AgentProof): Promise<string> {
    return deps.agents.passes.make(c.var.tenant.id, agent, publicKey);
  }
}

/** Reads the body before anything else: the signature covers it. Its size is bounded here and by the middleware. */
async function signedRequest(c: AppContext): Promise<SignedRequest> {
  const authorization = c.req.header("authorization");
  if (authorization === undefined) throw new GatewayError("agent_refused");
  const body = new Uint8Array(await c.req.arrayBuffer());
  if (body.byteLength > MAX_BODY_BYTES) throw new GatewayError("too_large");
  return { authorization, method: c.req.method, path: c.var.target, body };
}

/** @throws {GatewayError} bad_input */
function parseJson<S extends v.GenericSchema>(schema: S, body: Uint8Array): v.InferOutput<S> {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body)));
  } catch (cause) {
    throw new GatewayError("bad_input", { cause });
  }
}

function valueOf<T>(result: Result<T, ProblemCode>): T {
  if (result.ok) return result.value;
  throw new GatewayError(result.code);
}

function answer(c: AppContext, content: object): Response {
  return c.json(content, 200, { "cache-control": "no-store" });
}
