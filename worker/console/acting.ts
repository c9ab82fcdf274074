/** Who acts at the console: a cookie of its own, or a token of the command line. Both are verified without I/O. */
import type { Actor, AgentRefusal, ApprovalRefusal, ForgetRefusal, Result } from "../../durable-objects/rpc.ts";
import type { TenantStub } from "../context.ts";
import type { AppContext, Deps } from "../context.ts";
import { cookieScope, type SessionReference } from "../cookies/session-cookie.ts";
import { GatewayError, type ProblemCode } from "../problem.ts";

/** Found by secret scanners, and by whoever wonders what this is. */
const TOKEN_PREFIX = "tgc_";

/** A verified name of a session; the object still asks whether it lives and what it may. */
export interface Acting {
  session: string;
  object: TenantStub;
}

/** @throws {GatewayError} unauthenticated */
export async function requireActing(deps: Deps, c: AppContext): Promise<Acting> {
  const authorization = c.req.header("authorization");
  const reference = authorization === undefined ? fromCookie(c) : await fromToken(deps, c, authorization);
  if (reference === undefined) throw new GatewayError("unauthenticated");
  const { session, shard } = reference;
  return { session, object: deps.tenantObject(c.var.tenant.id, shard) };
}

/** @returns who the object says that is. @throws {GatewayError} */
export async function requireActor(deps: Deps, c: AppContext): Promise<Actor> {
  const { session, object } = await requireActing(deps, c);
  return valueOf(await object.whoActs(c.var.tenant.call, session));
}

/** @returns the token that {@link requireActing} takes back from the command line */
export async function sealToken(deps: Deps, c: AppContext, reference: SessionReference): Promise<string> {
  return TOKEN_PREFIX + (await deps.cookies.seal(cliScope(c), reference));
}

type Refusal = AgentRefusal | ApprovalRefusal | ForgetRefusal | "too_many_tokens";

/** @throws {GatewayError} with the object's refusal */
export function valueOf<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value;
  const codes: Record<Refusal, ProblemCode> = {
    session_unknown: "unauthenticated",
    session_expired: "session_expired",
    session_revoked: "session_revoked",
    forbidden_by_role: "admins_only",
    rate_limited: "rate_limited",
    bad_call: "bad_input",
    not_fresh: "not_fresh",
    key_enrolled: "key_enrolled",
    key_revoked: "key_revoked",
    too_many_agents: "too_many_agents",
    too_many_tokens: "too_many_tokens",
    agent_unknown: "agent_unknown",
    person_unknown: "person_unknown",
    not_yourself: "not_yourself",
  };
  throw new GatewayError(codes[result.code]);
}

function fromCookie(c: AppContext): SessionReference | undefined {
  const { cookie } = c.var;
  return cookie?.kind === "valid" ? cookie.reference : undefined;
}

async function fromToken(deps: Deps, c: AppContext, authorization: string): Promise<SessionReference | undefined> {
  const token = authorization.replace(/^Bearer /i, "");
  if (!token.startsWith(TOKEN_PREFIX)) return undefined;
  const read = await deps.cookies.read(cliScope(c), token.slice(TOKEN_PREFIX.length), deps.now());
  return read?.kind === "valid" ? read.reference : undefined;
}

function cliScope(c: AppContext): string {
  return cookieScope({ id: c.var.tenant.id, kind: "cli" });
}
