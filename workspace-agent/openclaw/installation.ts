/** The OpenClaw of this machine, as it describes itself. */
import * as v from "valibot";
import { CommandError, EXIT } from "../commands/command.ts";
import type { OpenClawCli } from "./openclaw-cli.ts";
import { type GatewaySettings, parseGatewaySettings } from "./settings.ts";
import { judgeVersion, parseVersion } from "./version.ts";

export interface Installation {
  cli: OpenClawCli;
  version: string;
  configPath: string;
  port: number;
  /** Who listens on its port; null when it does not run, or may not be looked at. */
  running: { pid: number | null; version: string | null } | null;
  /** Whether a service manager keeps it running, so that `openclaw gateway restart` can restart it. */
  service: boolean;
}

const Status = v.looseObject({
  service: v.optional(v.looseObject({ loaded: v.optional(v.boolean(), false) }), {}),
  config: v.looseObject({
    cli: v.looseObject({
      path: v.string(),
      exists: v.boolean(),
      valid: v.boolean(),
      issues: v.optional(v.array(v.looseObject({ path: v.string(), message: v.string() })), []),
    }),
    daemon: v.optional(v.looseObject({ path: v.string() })),
  }),
  gateway: v.optional(v.looseObject({ port: v.number(), version: v.nullish(v.string()) })),
  port: v.optional(
    v.looseObject({
      status: v.string(),
      listeners: v.optional(v.array(v.looseObject({ pid: v.optional(v.number()) })), []),
    }),
  ),
});

/** Before anything else is asked: an older release may answer in other words. @throws {CommandError} openclaw_too_old */
export async function requireSupported(cli: OpenClawCli): Promise<void> {
  const version = await readVersion(cli);
  if (judgeVersion(version) !== "too_old") return;
  throw new CommandError("openclaw_too_old", `OpenClaw ${version} is too old for this agent: openclaw update`);
}

/**
 * Asks OpenClaw where it is and whether it runs.
 * @throws {CommandError} openclaw_failed, openclaw_not_set_up, openclaw_config_invalid, openclaw_two_configs
 */
export async function findInstallation(cli: OpenClawCli): Promise<Installation> {
  const version = await readVersion(cli);
  const { config, gateway, port, service } = await readStatus(cli);
  if (!config.cli.exists) {
    throw new CommandError(
      "openclaw_not_set_up",
      `There is no ${config.cli.path} yet. Set OpenClaw up first: openclaw onboard`,
      EXIT.config,
    );
  }
  if (!config.cli.valid) {
    const issues = config.cli.issues.map(({ path, message }) => `\n  ${path || "file"}: ${message}`).join("");
    throw new CommandError(
      "openclaw_config_invalid",
      `OpenClaw cannot read ${config.cli.path}:${issues}\nMend it first: openclaw doctor`,
      EXIT.config,
    );
  }
  if (config.daemon !== undefined && config.daemon.path !== config.cli.path) {
    throw new CommandError(
      "openclaw_two_configs",
      `OpenClaw's service uses ${config.daemon.path}, and this shell ${config.cli.path}. Run again with OPENCLAW_CONFIG_PATH=${config.daemon.path}`,
      EXIT.config,
    );
  }
  if (gateway === undefined) throw failed(cli, "it does not tell its port");
  return {
    cli,
    version,
    configPath: config.cli.path,
    port: gateway.port,
    running: port?.status === "busy" ? { pid: port.listeners[0]?.pid ?? null, version: gateway.version ?? null } : null,
    service: service.loaded,
  };
}

/** @throws {CommandError} openclaw_failed */
export async function readSettings(cli: OpenClawCli): Promise<GatewaySettings> {
  return parse(cli, parseGatewaySettings, await getSetting(cli, "gateway"));
}

const Agents = v.array(
  v.looseObject({ id: v.string(), workspace: v.string(), isDefault: v.optional(v.boolean(), false) }),
);

/** @returns the workspace folders of its agents, the default one's first @throws {CommandError} openclaw_failed */
export async function findWorkspaces(cli: OpenClawCli): Promise<[string, ...string[]]> {
  const { stdout } = await cli.run(["agents", "list", "--json"]);
  const agents = parse(cli, (value) => v.parse(Agents, value), parseJson(cli, stdout));
  const found = agents.find(({ isDefault }) => isDefault) ?? agents[0];
  if (found === undefined) throw failed(cli, "it has no agents");
  const others = new Set(agents.map(({ workspace }) => workspace));
  others.delete(found.workspace);
  return [found.workspace, ...others];
}

/** @returns a setting, redacted; undefined when it is not set @throws {CommandError} openclaw_failed */
export async function getSetting(cli: OpenClawCli, path: string): Promise<unknown> {
  const { exit, stdout } = await cli.run(["config", "get", path, "--json"]);
  const value = parseJson(cli, stdout);
  if (exit === 0) return value;
  const message = (value as { error?: { message?: string } } | null)?.error?.message ?? "no reason given";
  if (/ is valid but unset|has no runtime value/.test(message)) return undefined;
  throw failed(cli, message);
}

async function readVersion(cli: OpenClawCli): Promise<string> {
  const version = parseVersion((await cli.run(["--version"])).stdout);
  if (version === null) throw failed(cli, "it does not tell its version");
  return version;
}

async function readStatus(cli: OpenClawCli) {
  const { stdout } = await cli.run(["gateway", "status", "--json"]);
  return parse(cli, (value) => v.parse(Status, value), parseJson(cli, stdout));
}

function parseJson(cli: OpenClawCli, text: string): unknown {
  return parse(cli, JSON.parse, text);
}

/** Messages of parsers quote what they read. */
function parse<Input, Output>(cli: OpenClawCli, read: (input: Input) => Output, input: Input): Output {
  try {
    return read(input);
  } catch (error) {
    throw failed(cli, "it answered something that this agent does not understand", error);
  }
}

function failed(cli: OpenClawCli, why: string, cause?: unknown): CommandError {
  return new CommandError("openclaw_failed", `${cli.path}: ${why}`, EXIT.failed, { cause });
}

const Sandbox = v.looseObject({ sandbox: v.looseObject({ mode: v.string() }) });

/** @returns `off`, `non-main` or `all`, for the agent that people talk to @throws {CommandError} openclaw_failed */
export async function readSandboxMode(cli: OpenClawCli): Promise<string> {
  const { stdout } = await cli.run(["sandbox", "explain", "--json"]);
  return parse(cli, (value) => v.parse(Sandbox, value), parseJson(cli, stdout)).sandbox.mode;
}
