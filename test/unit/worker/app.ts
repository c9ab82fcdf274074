/** The real app over a recording tenant object: what reaches it, and what it answers, are the test's. */
import type {
  Actor,
  FormerSession,
  ListedPerson,
  ProviderLogout,
  RelayCall,
  RevokeTarget,
  SessionView,
  SignIn,
} from "../../../durable-objects/rpc.ts";
import { RELAY_HEADER } from "../../../durable-objects/rpc.ts";
import { agentSeals } from "../../../worker/agents/agent-seals.ts";
import { createApp } from "../../../worker/app.ts";
import type { Deps, TenantStub } from "../../../worker/context.ts";
import { SessionCookies } from "../../../worker/cookies/session-cookie.ts";
import { findAmong } from "../../../worker/config/find-tenant.ts";
import { parseConfig } from "../../../worker/config/parse-config.ts";
import type { Env } from "../../../worker/env.ts";
import { keepVerified } from "../../../worker/renewal/keep-verified.ts";
import { stubSignIn } from "../../../worker/stub/stub-sign-in.ts";

export const SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA";
export const ORIGIN = "http://localhost:8080";
export const NOW = 1_800_000_000_000;
export const SESSION = "AAECAwQFBgcICQoLDA0ODw";

const ADMIN: Actor = {
  handle: "h",
  kind: "console",
  person: "s".repeat(22),
  email: "alice@example.com",
  name: null,
  role: "admin",
  signedInAt: NOW,
  expiresAt: NOW,
};

export interface Parts {
  signIn?: Deps["signIn"];
  now?: () => number;
  log?: Deps["log"];
  session?: SessionView;
  /** A real object, instead of the recording one. */
  object?: TenantStub;
  /** Whose session it was that is over. */
  former?: FormerSession;
  notice?: boolean;
  /** Whom the console lists, to an administrator with the key `s…`. */
  people?: ListedPerson[];
  /** When the agent left. */
  awaySince?: number;
}

export function newGateway(vars: Record<string, string> = {}, parts: Parts = {}) {
  const env = {
    AUTHSEC_MODE: "stub",
    ENVIRONMENT: "development",
    PUBLIC_URL: ORIGIN,
    SESSION_SECRET: SECRET,
    STUB_USERS: "alice@example.com:admin,bob@example.com",
    ...vars,
  } as unknown as Env;
  const config = parseConfig(env);
  const calls = {
    relayed: [] as { call: RelayCall; headers: Headers }[],
    signIns: [] as SignIn[],
    ended: [] as string[],
    revoked: [] as RevokeTarget[],
    logouts: [] as ProviderLogout[],
    noticed: [] as string[],
    forgotten: [] as string[],
    objects: 0,
  };
  let answer = () => new Response("from OpenClaw");
  const object: TenantStub = {
    async fetch(request) {
      calls.relayed.push({ call: JSON.parse(request.headers.get(RELAY_HEADER) ?? "{}"), headers: request.headers });
      return answer();
    },
    async startSession(_tenant, signIn) {
      calls.signIns.push(signIn);
      if (signIn.renews !== null && parts.former?.email !== signIn.email) return { ok: false, code: "other_person" };
      const { notice = false } = parts;
      return { ok: true, value: { session: SESSION, expiresAt: (parts.now?.() ?? NOW) + 3_600_000, notice } };
    },
    async findFormerSession() {
      return parts.former ? { ok: true, value: parts.former } : { ok: false, code: "session_unknown" };
    },
    async noticeSeen(_tenant, session) {
      calls.noticed.push(session);
      return { ok: true, value: null };
    },
    async endSession(_tenant, session) {
      calls.ended.push(session);
      return { ok: true, value: null };
    },
    async revoke(_tenant, target) {
      calls.revoked.push(target);
      return { ok: true, value: { sessions: 0 } };
    },
    async findSession() {
      return parts.session ? { ok: true, value: parts.session } : { ok: false, code: "session_expired" };
    },
    async providerLogout(_tenant, logout) {
      calls.logouts.push(logout);
      return { ok: true, value: { sessions: 1 } };
    },
    async beginRenewal() {
      return { ok: true, value: null };
    },
    async finishRenewal() {
      return { ok: true, value: null };
    },
    async dueRenewals() {
      return { ok: true, value: { sessions: [], spent: false } };
    },
    async takeSpentTokens() {
      return { ok: true, value: [] };
    },
    async whoActs() {
      return parts.people ? { ok: true, value: ADMIN } : { ok: false, code: "session_unknown" };
    },
    async listSessions() {
      return { ok: false, code: "session_unknown" };
    },
    async listPeople() {
      const { people } = parts;
      return people ? { ok: true, value: { items: people, next: null } } : { ok: false, code: "session_unknown" };
    },
    async listAudit() {
      return { ok: false, code: "session_unknown" };
    },
    async startCliSession() {
      return { ok: false, code: "session_unknown" };
    },
    async revokeAs() {
      return { ok: false, code: "session_unknown" };
    },
    async findPerson(_tenant, _actor, key) {
      const found = parts.people?.find((person) => person.key === key);
      return found ? { ok: true, value: found } : { ok: false, code: "person_unknown" };
    },
    async forgetPerson(_tenant, _actor, key) {
      if (key === ADMIN.person) return { ok: false, code: "not_yourself" };
      if (!parts.people?.some((person) => person.key === key)) return { ok: false, code: "person_unknown" };
      calls.forgotten.push(key);
      return { ok: true, value: { sessions: 1 } };
    },
    async decideEnrolment() {
      return { ok: false, code: "session_unknown" };
    },
    async startEnrolmentToken() {
      return { ok: false, code: "session_unknown" };
    },
    async listAgents() {
      return { ok: false, code: "session_unknown" };
    },
    async renameAgent() {
      return { ok: false, code: "session_unknown" };
    },
    async revokeAgent() {
      return { ok: false, code: "session_unknown" };
    },
    async enrolment() {
      return { ok: false, code: "enrolment_pending" };
    },
    async enrolByToken() {
      return { ok: false, code: "token_used" };
    },
    async viewAgent() {
      return { ok: false, code: "agent_refused" };
    },
    async replaceKey() {
      return { ok: false, code: "agent_refused" };
    },
    async leaveAgent() {
      return { ok: false, code: "agent_refused" };
    },
    async readiness() {
      return { agent: "away", since: parts.awaySince ?? null };
    },
  };
  const cookies = new SessionCookies(config.sessionSecrets);
  const agents = agentSeals(config.sessionSecrets);
  const deps: Deps = {
    config,
    cookies,
    agents,
    findTenant: findAmong(config.tenants),
    tenantObject: () => {
      calls.objects++;
      return parts.object ?? object;
    },
    now: parts.now ?? (() => NOW),
    log: parts.log ?? (() => undefined),
    signIn: parts.signIn ?? stubSignIn,
  };
  const signIn = deps.signIn(deps);
  const app = createApp(deps, signIn);
  const { origin, host, protocol } = config.tenants[0]?.publicUrl ?? new URL(ORIGIN);
  const prefix = protocol === "https:" ? "__Host-" : "";
  return {
    calls,
    cookies,
    agents,
    /** The scheduled run. */
    keepVerified: () => keepVerified(deps, signIn),
    set answer(make: () => Response) {
      answer = make;
    },
    async cookie(expiresAt = NOW / 1000 + 60, session = SESSION): Promise<string> {
      return `${prefix}tidegate-default=${await cookies.seal("default", { session, shard: 0, expiresAt })}`;
    },
    /** Sends a target exactly as written: the platform does not normalise it, the `URL` of a `Request` would. */
    async send(target: string, init: RequestInit = {}): Promise<Response> {
      const request = new Request(origin, init);
      request.headers.set("host", new Headers(init.headers).get("host") ?? host);
      Object.defineProperty(request, "url", { value: origin + target });
      const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
      return app.fetch(request, env, context);
    },
  };
}
