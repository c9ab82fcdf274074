import { isAbsolute } from "node:path";
import { isRole, isUserString } from "#protocol/identity.ts";
import { homeFolder } from "./paths.ts";
import { parsePort } from "./ports.ts";
import { ScriptError, exitWith, say } from "./script-error.ts";
import { startAll, type StackOptions } from "./stack.ts";

const DEFAULT_USERS = "alice@example.com:admin,bob@example.com";

/** Reads the settings of `npm start`. @throws {ScriptError} bad_setting */
export function parseStart(env: NodeJS.ProcessEnv, args: string[]): StackOptions {
  const unknown = args.find((argument) => argument !== "--force" && argument !== "--oidc");
  if (unknown !== undefined)
    throw new ScriptError("bad_setting", `unknown argument ${unknown}; there are --force and --oidc`);
  return {
    port: parsePort(env.PORT || "8080"),
    home: homeFolder(env),
    stubUsers: stubUsers(env.STUB_USERS || DEFAULT_USERS),
    modelKey: modelKey(env),
    oidc: args.includes("--oidc"),
    ownOpenClaw: env.OPENCLAW_URL ? ownOpenClaw(env, args.includes("--force")) : undefined,
  };
}

/** The gateway refuses to serve anything with a list it cannot read: say so here. */
function stubUsers(text: string): string {
  const isUser = (entry: string): boolean => {
    const [email = "", role = "user", ...rest] = entry.trim().split(":");
    return email.includes("@") && isUserString(email.toLowerCase()) && isRole(role) && rest.length === 0;
  };
  const entries = text.split(",").filter((entry) => entry.trim() !== "");
  if (entries.length > 0 && entries.every(isUser)) return entries.join(",");
  throw new ScriptError("bad_setting", `STUB_USERS must look like ${DEFAULT_USERS}`);
}

function modelKey(env: NodeJS.ProcessEnv): StackOptions["modelKey"] {
  if (env.OPENAI_API_KEY) return { type: "openai", apiKey: env.OPENAI_API_KEY };
  if (env.ANTHROPIC_API_KEY) return { type: "anthropic", apiKey: env.ANTHROPIC_API_KEY };
  return undefined;
}

function ownOpenClaw(env: NodeJS.ProcessEnv, force: boolean): StackOptions["ownOpenClaw"] {
  const url = URL.parse(env.OPENCLAW_URL ?? "");
  // Identity travels in plain headers on this leg: it must not leave the machine.
  const isLoopback =
    url && (/^127(\.\d{1,3}){3}$/.test(url.hostname) || url.hostname === "localhost" || url.hostname === "[::1]");
  if (!isLoopback || url.protocol !== "http:") {
    throw new ScriptError("bad_setting", "OPENCLAW_URL must be http on this machine, such as http://127.0.0.1:18789");
  }
  const need = (name: string, what: string): string => {
    const value = env[name];
    if (!value) throw new ScriptError("bad_setting", `OPENCLAW_URL is set, so ${name} is needed: ${what}`);
    return value;
  };
  const workspace = need("OPENCLAW_WORKSPACE", "the folder of that OpenClaw's workspace, where USER.md lies");
  if (!isAbsolute(workspace)) throw new ScriptError("bad_setting", "OPENCLAW_WORKSPACE must be an absolute path");
  return {
    url: url.origin,
    workspace,
    gatewayPassword: need(
      "OPENCLAW_GATEWAY_PASSWORD",
      "its gateway.auth.password, by which the agent reads who has a profile",
    ),
    userHeader: env.OPENCLAW_USER_HEADER || "x-forwarded-user",
    force,
  };
}

/** Events that ask a person to do something; a line that is no JSON is a crash's. */
const WARNING =
  /^[^{]|"event":"[a-z_.]*(refused|broken|unreachable|unwritable|superseded|ambiguous|crowded|failed)"|"level":"(warn|error)"/;

/** Agent and scripts log JSON lines: people see warnings, and all of it with LOG_LEVEL=debug. */
function showLog(part: string, line: string, level?: string): void {
  const isWarning = level === "warn" || level === "error" || WARNING.test(line);
  if (isWarning || process.env.LOG_LEVEL === "debug") say(`[${part}] ${line}`);
}

async function main(): Promise<void> {
  const options = parseStart(process.env, process.argv.slice(2));
  let isStopping = false;
  const end = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    say("stopping");
    // Asked to stop while the edge starts: wait for what is there to be stopped.
    await (await starting.catch(() => undefined))?.stop();
    process.exit(0);
  };
  const starting = startAll({
    ...options,
    onEvent: say,
    onAgentLog: (line) => showLog("agent", line),
    onEdgeLog: (line, level) => showLog("edge", line, level),
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end().catch(exitWith));
  const stack = await starting;
  if (isStopping) return;
  say(`${stack.url} answers; the workspace is starting`);
  try {
    await stack.ready;
  } catch (error) {
    if (isStopping) return;
    await stack.stop();
    throw error;
  }
  if (isStopping) return;
  const people = options.stubUsers.split(",").map(describeUser).join(" or ");
  say(options.oidc ? `sign in with the name before the @, and any password: ${people}` : `sign in as ${people}`);
  say(`sessions and people: ${stack.consoleUrl}`);
  process.stdout.write(`Ready ${stack.url}\n`);
}

function describeUser(entry: string): string {
  const [email = "", role] = entry.trim().split(":");
  return role ? `${email} (${role})` : email;
}

if (import.meta.main) await main().catch(exitWith);
