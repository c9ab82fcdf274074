/**
 * What the Worker may know of a tenant's object. Refusals cross RPC as values: a thrown error loses its class there.
 * The relay itself goes through `fetch`, with a {@link RelayCall} in the header {@link RELAY_HEADER}.
 */
import type { Role } from "#protocol/identity.ts";
import type { RouteClass } from "#protocol/request-target.ts";

export type Result<T, Code extends string = string> = { ok: true; value: T } | { ok: false; code: Code };

/** Internal header, stripped from every inbound request: one {@link RelayCall} as JSON, ASCII only. */
export const RELAY_HEADER = "x-tidegate-relay";
/** Internal header of the agent's upgrade: one {@link AgentCall} as JSON. */
export const AGENT_HEADER = "x-tidegate-agent";

/** Internal header beside either: {@link TenantCall.settings}. */
export const SETTINGS_HEADER = "x-tidegate-settings";

/** On whose behalf the Worker calls, and what the tenant document says now. */
export interface TenantCall {
  tenant: string;
  /** {@link TenantSettings} as JSON, ASCII only; empty: as last time. */
  settings: string;
}

/** What a provider says of a person, and what configuration makes of it. */
export interface Identity {
  issuer: string;
  subject: string;
  /** Verified and lower-case, else null. */
  email: string | null;
  name: string | null;
  groups: string[];
  role: Role;
}

/** What a session opens: `browser` the tenant's host and nothing else, the others the console's API and nothing else. */
export type SessionKind = "browser" | "console" | "cli";

/** A verified sign-in, as the Worker hands it to the object that will hold the session. */
export interface SignIn extends Identity {
  kind: SessionKind;
  /** Id of the provider in the configuration: several may share an issuer. */
  provider: string;
  /** With one, the session is verified again while it is used. */
  refreshToken: string | null;
  /** The provider's session id (`sid`), for logout. */
  providerSessionId: string | null;
  userAgent: string;
  clientAddress: string;
  /** Session that this sign-in replaces in the same browser, ended in the same call. */
  replaces: string | null;
  /** Session that this sign-in silently goes on with: it must be the same person's, else nothing happens. */
  renews: string | null;
}

/** A live session as its owner may see it. Times are milliseconds since the epoch. */
export interface SessionView {
  /** Key of its person. */
  person: string;
  issuer: string;
  provider: string;
  email: string | null;
  name: string | null;
  role: Role;
  user: string;
  createdAt: number;
  lastSeenAt: number;
  idleExpiresAt: number;
  expiresAt: number;
}

/** Everything the object needs to relay one request; the body and end-to-end headers stay in the request itself. */
export interface RelayCall {
  tenant: string;
  session: string;
  requestId: string;
  method: string;
  /** Raw, canonical target: the very bytes OpenClaw will get. */
  target: string;
  routeClass: RouteClass;
  clientAddress: string;
  scheme: "http" | "https";
  /** The configured public host, never the client's `Host`. */
  host: string;
  /** The Worker has asked the provider just now, on this request's behalf. */
  renewed?: true;
}

/** The agent's upgrade after the Worker verified its assertion. */
export interface AgentCall {
  tenant: string;
  agent: string;
  /** Raw Ed25519 public key, base64url. */
  publicKey: string;
  /** The key is the tenant document's; else the object asks whether it is enrolled. */
  configured: boolean;
  host: string;
}

/** A key that wants to be an agent's, and what its computer calls itself. */
export interface KeyOffer {
  /** Raw Ed25519 public key, base64url. */
  publicKey: string;
  /** At most 64 characters, no control characters. */
  name: string;
}

export interface Enrolled {
  agent: string;
  /** Raw Ed25519 public key of the tenant's gateway, base64url: what the agent pins. */
  gatewayKey: string;
}

export type KeyRefusal = "key_enrolled" | "key_revoked" | "too_many_agents";
export type EnrolmentRefusal = "enrolment_pending" | "enrolment_denied" | "key_revoked";
export type TokenRefusal = KeyRefusal | "token_used";
/** `not_fresh`: signed in longer ago than {@link FRESH_MS}. */
export type ApprovalRefusal = AdminRefusal | KeyRefusal | "not_fresh";

/** How young the session must be that lets an agent in. */
export const FRESH_MS = 15 * 60_000;

export interface ListedAgent {
  agent: string;
  name: string;
  enrolledAt: number;
  /** Key of the person who let it in. */
  enrolledBy: string | null;
  /** Two while one key replaces another. */
  keys: number;
  connected: boolean;
}

/** What an agent may know of itself. */
export interface AgentView {
  agent: string;
  name: string;
  /** `active` serves; null: not connected. */
  role: "active" | "standby" | "draining" | null;
}

/** Why a session ended. `revoked` is an administrator's word and shown as such; every other leads to sign-in. */
export type EndReason =
  | "signed_out"
  | "signed_out_everywhere"
  | "replaced"
  | "revoked"
  | "provider_logout"
  | "expired"
  | "refused_at_renewal"
  | "unverified";

/** A live session in a list; its handle is the hash of its id, which opens nothing. */
export interface ListedSession {
  handle: string;
  kind: SessionKind;
  person: string;
  email: string | null;
  name: string | null;
  role: Role;
  createdAt: number;
  lastSeenAt: number;
  address: string;
  userAgent: string;
  /** The one that asks. */
  current: boolean;
}

export interface ListedPerson {
  key: string;
  user: string;
  email: string | null;
  name: string | null;
  role: Role;
  signedInAt: number;
  openSockets: number;
}

/** At most {@link PAGE_SIZE} of a list; `next` is the cursor of what follows, null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export const PAGE_SIZE = 50;

/** One line of the audit trail, as it was written. */
export interface AuditEntry {
  id: number;
  /** Milliseconds since the epoch. */
  at: number;
  type: string;
  fields: Record<string, string | number>;
}

/** Who acts at the console. */
export interface Actor {
  handle: string;
  kind: SessionKind;
  person: string;
  email: string | null;
  name: string | null;
  role: Role;
  /** When this session began: some acts need one that is young. */
  signedInAt: number;
  expiresAt: number;
}

/** `own`: the actor's, whatever their role; `all` needs an administrator. */
export type ListScope = "own" | "all";
export type AdminTarget = { session: string } | { person: string } | "all";
export type PersonRefusal = AdminRefusal | "person_unknown";
export type ForgetRefusal = PersonRefusal | "not_yourself";
export type AgentRefusal = AdminRefusal | "agent_unknown";
export type AdminRefusal = SessionRefusal | "forbidden_by_role" | "rate_limited" | "bad_call";

/** Which live sessions end: by the hash of a session's id, by person, or as a provider names them. */
export type RevokeTarget =
  | { session: string }
  | { person: string }
  /** The person's sessions of the assistant alone: where OpenClaw's pages run, nothing ends what is at the console. */
  | { assistantsOf: string }
  | { issuer: string; subject: string }
  | { issuer: string; providerSessionId: string }
  | "all";

/** One renewal, held by whoever got it; nobody else asks the provider about this session until it is finished. */
export interface Renewal {
  lease: string;
  provider: string;
  issuer: string;
  subject: string;
  refreshToken: string;
}

/** `refreshToken`: the one to keep or to revoke from now on; null when the provider takes it no more. */
export type RenewalOutcome =
  | { type: "verified"; identity: Identity; refreshToken: string }
  | { type: "refused"; refreshToken: string | null }
  | { type: "provider_down"; refreshToken: string };

/** A refresh token that nobody needs any more. */
export interface SpentToken {
  provider: string;
  issuer: string;
  refreshToken: string;
}

/** A verified logout token of a provider. `sid` goes before `sub`; at least one is there. */
export interface ProviderLogout {
  issuer: string;
  subject: string | null;
  providerSessionId: string | null;
  /** `jti`: good for one use. */
  tokenId: string;
}

export type SessionRefusal = "session_expired" | "session_revoked" | "session_unknown";
/** `session_revoked`: an administrator ended whatever is theirs while they were signing in. */
export type StartRefusal = "identity_conflict" | "other_person" | "rate_limited" | "session_revoked";

export interface StartedSession {
  session: string;
  expiresAt: number;
  /** The person has not been told yet who else can see what they do here, or this browser was just another's. */
  notice: boolean;
}

/** Whose session it was that is over: enough to ask their provider again. */
export interface FormerSession {
  provider: string;
  issuer: string;
  email: string | null;
}

/** `agent`: whether a workspace agent is connected; `since` when that last changed, null when never seen. */
export interface Readiness {
  agent: "connected" | "away";
  since: number | null;
}

export interface TenantRpc {
  /** Creates a session row under a fresh 128-bit id (base64url). */
  startSession(call: TenantCall, signIn: SignIn): Promise<Result<StartedSession, StartRefusal>>;
  /** Ends one session: row tombstoned, its sockets closed, its requests reset. Ending an unknown one is `ok`. */
  endSession(call: TenantCall, session: string, reason: EndReason): Promise<Result<null>>;
  /** Ends every live session of a target, each like {@link endSession}. @returns how many there were */
  revoke(call: TenantCall, target: RevokeTarget, reason: EndReason): Promise<Result<{ sessions: number }>>;
  /** Ends what a provider's logout token names. @returns `replayed` when it was used before */
  providerLogout(call: TenantCall, logout: ProviderLogout): Promise<Result<{ sessions: number }, "replayed">>;
  findSession(call: TenantCall, session: string): Promise<Result<SessionView, SessionRefusal>>;
  /**
   * Takes the right to renew a session, named by its id or its id's hash; waits a bounded time for one who has it.
   * @returns null when nothing is to be done, or nothing any more
   */
  beginRenewal(call: TenantCall, name: { id: string } | { hash: string }): Promise<Result<Renewal | null>>;
  /** @returns `lease_lost` when the session ended meanwhile: the token in `outcome` is nobody's then */
  finishRenewal(call: TenantCall, lease: string, outcome: RenewalOutcome): Promise<Result<null, "lease_lost">>;
  /** @returns hashes of sessions that are due and have something open, and whether {@link takeSpentTokens} has any */
  dueRenewals(call: TenantCall, limit: number): Promise<Result<{ sessions: string[]; spent: boolean }>>;
  /** Hands out refresh tokens of ended sessions, each once. */
  takeSpentTokens(call: TenantCall, limit: number): Promise<Result<SpentToken[]>>;
  /** Asks whose session it was; refused unless it simply ran out. */
  findFormerSession(call: TenantCall, session: string): Promise<Result<FormerSession, "session_unknown">>;
  /** The person has seen the notice: later sign-ins are no first visit. */
  noticeSeen(call: TenantCall, session: string): Promise<Result<null, SessionRefusal>>;
  readiness(): Promise<Readiness>;

  // The console's. `actor` is the id of the acting session; the object itself asks whether it may.

  whoActs(call: TenantCall, actor: string): Promise<Result<Actor, AdminRefusal>>;
  listSessions(
    call: TenantCall,
    actor: string,
    scope: ListScope,
    cursor: string | null,
  ): Promise<Result<Page<ListedSession>, AdminRefusal>>;
  listPeople(call: TenantCall, actor: string, cursor: string | null): Promise<Result<Page<ListedPerson>, AdminRefusal>>;
  /** Oldest first, from the one after `cursor` on; the export itself is audited when it begins. */
  listAudit(call: TenantCall, actor: string, cursor: string | null): Promise<Result<Page<AuditEntry>, AdminRefusal>>;
  /** A session of its own for the command line, in the name of whoever is at the console; never longer than the role's. */
  startCliSession(
    call: TenantCall,
    actor: string,
    from: { userAgent: string; clientAddress: string },
  ): Promise<Result<{ session: string; expiresAt: number }, AdminRefusal>>;
  /** Ends sessions in the actor's name: their own as signed out, others' as revoked. */
  revokeAs(call: TenantCall, actor: string, target: AdminTarget): Promise<Result<{ sessions: number }, AdminRefusal>>;

  findPerson(call: TenantCall, actor: string, person: string): Promise<Result<ListedPerson, PersonRefusal>>;
  /**
   * Ends all of a person's sessions as revoked, takes them out of storage but for the audit, and out of the roster.
   * Who signs in as the same person later is there for the first time.
   */
  forgetPerson(call: TenantCall, actor: string, person: string): Promise<Result<{ sessions: number }, ForgetRefusal>>;

  // Agents, by an administrator.

  /** Lets a key in as a new agent, or tells it no. Only on the console itself, shortly after signing in. */
  decideEnrolment(
    call: TenantCall,
    actor: string,
    offer: KeyOffer,
    decision: "approve" | "deny",
  ): Promise<Result<null, ApprovalRefusal>>;
  /** Makes a one-use word; {@link enrolByToken} takes it. */
  startEnrolmentToken(
    call: TenantCall,
    actor: string,
  ): Promise<Result<{ id: string; expiresAt: number }, AdminRefusal | "too_many_tokens">>;
  listAgents(call: TenantCall, actor: string): Promise<Result<ListedAgent[], AdminRefusal>>;
  renameAgent(call: TenantCall, actor: string, agent: string, name: string): Promise<Result<null, AgentRefusal>>;
  /** Its keys are good for nothing any more, and its connection ends at once. */
  revokeAgent(call: TenantCall, actor: string, agent: string): Promise<Result<null, AgentRefusal>>;

  // Agents, by themselves: the Worker has verified a signature of the key that is named.

  enrolment(call: TenantCall, publicKey: string): Promise<Result<Enrolled, EnrolmentRefusal>>;
  enrolByToken(call: TenantCall, token: string, offer: KeyOffer): Promise<Result<Enrolled, TokenRefusal>>;
  viewAgent(call: TenantCall, agent: string, publicKey: string): Promise<Result<AgentView, "agent_refused">>;
  /** Adds the key that replaces this one as soon as it is used; both have signed. */
  replaceKey(
    call: TenantCall,
    agent: string,
    publicKey: string,
    next: string,
  ): Promise<Result<null, "agent_refused" | "key_enrolled" | "key_revoked">>;
  /** The agent leaves for good: like {@link revokeAgent}. */
  leaveAgent(call: TenantCall, agent: string, publicKey: string): Promise<Result<null, "agent_refused">>;
}
