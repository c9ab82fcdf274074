/** Builds the app from the bindings, once per isolate; an invalid configuration refuses every request. */
import type { Hono } from "hono";
import { createApp } from "./app.ts";
import type { AppEnv, Deps } from "./context.ts";
import { SessionCookies } from "./cookies/session-cookie.ts";
import { ConfigError, parseConfig, type Config, type Env } from "./env.ts";
import { problemResponse } from "./problem.ts";
import { singleTenant } from "./tenants.ts";

export interface Mode {
  /** @throws {ConfigError} when this entry does not carry the configured mode */
  signIn(config: Config, env: Env): Deps["signIn"];
  /** Answers before everything else, or passes. */
  guard?(config: Config, request: Request): Response | undefined;
}

type Built = { app: Hono<AppEnv>; config: Config } | { names: string[] };

export function gateway(mode: Mode): ExportedHandler<Env> {
  let built: Built | undefined;
  return {
    fetch(request, env, ctx) {
      built ??= build(mode, env);
      if ("names" in built) return problemResponse("config_invalid", crypto.randomUUID());
      return mode.guard?.(built.config, request) ?? built.app.fetch(request, env, ctx);
    },
  };
}

function build(mode: Mode, env: Env): Built {
  try {
    const config = parseConfig(env);
    const deps: Deps = {
      config,
      cookies: new SessionCookies(config.sessionSecrets),
      findTenant: singleTenant(config),
      tenantObject: (tenant, shard) => env.TENANT.getByName(`${tenant}/${shard}`),
      now: () => Date.now(),
      log: (fields) => console.log(JSON.stringify(fields)),
      signIn: mode.signIn(config, env),
    };
    return { app: createApp(deps), config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(JSON.stringify({ event: "config.refused", names: error.names.join(" ") }));
    return { names: error.names };
  }
}
