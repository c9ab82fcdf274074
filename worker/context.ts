/** What middleware leaves for the steps after it. */
import type { Context } from "hono";
import type { TenantRpc } from "../durable-objects/rpc.ts";
import type { ReadCookie, SessionCookies } from "./cookies/session-cookie.ts";
import type { Config, Env } from "./env.ts";
import type { FindTenant, Tenant } from "./tenants.ts";

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
  findTenant: FindTenant;
  /** A fresh stub each time: one that has failed once keeps failing. */
  tenantObject: (tenant: string, shard: number) => TenantStub;
  now: () => number;
  log: (fields: Record<string, string | number>) => void;
  /** The sign-in adapter of the mode: its routes under `/_gate/login`. */
  signIn: (deps: Deps) => import("hono").Hono<AppEnv>;
}
