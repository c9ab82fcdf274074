/** Builds the app from the bindings, once per isolate; an invalid configuration refuses every request. */
import { agentSeals } from "./agents/agent-seals.ts";
import { type App, createApp } from "./app.ts";
import type { Deps } from "./context.ts";
import { SessionCookies } from "./cookies/session-cookie.ts";
import { findAmong } from "./config/find-tenant.ts";
import { parseConfig, type Config } from "./config/parse-config.ts";
import { ConfigError } from "./config/problem.ts";
import type { Env } from "./env.ts";
import { problemResponse } from "./problem.ts";
import { keepVerified } from "./renewal/keep-verified.ts";

export interface Mode {
  /** @throws {ConfigError} when this entry does not carry the configured mode */
  signIn(config: Config): Deps["signIn"];
  /** Answers before everything else, or passes. */
  guard?(config: Config, request: Request): Response | undefined;
}

type Built = { app: App; config: Config; keepVerified: () => Promise<void> } | "refused";

/** @param tenantsFile the content of config/tenants.json, bundled; none: the variables describe the only tenant */
export function gateway(mode: Mode, tenantsFile?: unknown): ExportedHandler<Env> {
  let built: Built | undefined;
  return {
    fetch(request, env, ctx) {
      built ??= build(mode, env, tenantsFile);
      if (built === "refused") return problemResponse("config_invalid", crypto.randomUUID());
      return mode.guard?.(built.config, request) ?? built.app.fetch(request, env, ctx);
    },
    async scheduled(_controller, env) {
      built ??= build(mode, env, tenantsFile);
      if (built !== "refused") await built.keepVerified();
    },
  };
}

function build(mode: Mode, env: Env, tenantsFile: unknown): Built {
  try {
    const config = parseConfig(env, tenantsFile);
    const deps: Deps = {
      config,
      cookies: new SessionCookies(config.sessionSecrets),
      agents: agentSeals(config.sessionSecrets),
      findTenant: findAmong(config.tenants),
      tenantObject: (tenant, shard) => env.TENANT.getByName(`${tenant}/${shard}`),
      now: () => Date.now(),
      log: (fields) => console.log(JSON.stringify(fields)),
      signIn: mode.signIn(config),
    };
    const signIn = deps.signIn(deps);
    return { app: createApp(deps, signIn), config, keepVerified: () => keepVerified(deps, signIn) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(JSON.stringify({ event: "config.refused", problems: error.problems }));
    return "refused";
  }
}
