/** What middleware leaves for the steps after it. */
import type { Context, Hono } from "hono";
import type { Role } from "#protocol/identity.ts";
import type { SessionView, SpentToken, TenantRpc } from "../durable-objects/rpc.ts";
import type { AgentSeals } from "./agents/agent-seals.ts";
import type { ReadCookie, SessionCookies } from "./cookies/session-cookie.ts";
import type { FindTenant } from "./config/find-tenant.ts";
import type { Config } from "./config/parse-config.ts";
import type { Tenant } from "./config/tenant.ts";
import type { Env } from "./env.ts";
import type { LogoutToken } from "./oidc/logout-token.ts";
import type { FormerSignIn } from "./oidc/provider.ts";
import type { VerifiedIdentity } from "./oidc/provider-settings.ts";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    tenant: Tenant;
    /** Raw request target, canonical once `requestTarget` has passed it. */
    target: string;
    cookie: ReadCookie | undefined;
    /** The answer is OpenClaw's. */
    relayed: boolean;
  };
}

export type AppContext = Context<AppEnv>;

export type TenantStub = TenantRpc & { fetch(request: Request): Promise<Response> };

/** Everything the app takes from outside; tests pass their own. */
export interface Deps {
  config: Config;
  cookies: SessionCookies;
  agents: AgentSeals;
  findTenant: FindTenant;
  /** A fresh stub each time: one that has failed once keeps failing. */
  tenantObject: (tenant: string, shard: number) => TenantStub;
  now: () => number;
  log: (fields: Record<string, string | number>) => void;
  /** The sign-in of the mode. */
  signIn: (deps: Deps) => SignInAdapter;
}

/** One way of signing in, behind routes of its own. */
export interface SignInAdapter {
  /** Under `/_gate/login`. */
  login: Hono<AppEnv>;
  /** Under `/_gate/callback`. */
  callback?: Hono<AppEnv>;
  /** @returns where the browser ends its session at the provider too, or null; `session` has just ended here */
  signOutUrl?: (session: SessionView, c: AppContext) => Promise<string | null>;
  /**
   * Asks the provider again: who they are now, and whether they may still come in (`role` null: not any more).
   * @throws {SignInError} when the session must end; `provider_down` among its pages means: try again later
   */
  renew?: (tenant: Tenant, former: FormerSignIn) => Promise<{ identity: VerifiedIdentity; role: Role | null }>;
  /** Tells the provider that a refresh token is not needed any more; never throws. */
  revoke?: (tenant: Tenant, spent: SpentToken) => Promise<void>;
  /** Checks a back-channel logout token of any provider of the tenant. @throws {SignInError} */
  verifyLogoutToken?: (tenant: Tenant, token: string) => Promise<LogoutToken>;
  /**
   * @returns this browser's session, when it is the one that a provider of the tenant names
   * @throws {SignInError} unknown_provider
   */
  frontchannelSession?: (
    c: AppContext,
    named: { issuer: string; providerSessionId: string },
  ) => Promise<{ session: string; shard: number } | null>;
}
