import { randomBytes } from "node:crypto";
import { checkConfig } from "../../worker/config/parse-config.ts";
import { ScriptError } from "../script-error.ts";

const KEY_BYTES = 32;

export function newKey(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

export interface SecretSources {
  env: NodeJS.ProcessEnv;
  /** Asks the person, hidden; absent where nobody sits at a terminal. */
  ask?: ((name: string) => Promise<string>) | undefined;
}

/** What the gateway needs and Cloudflare does not have, with where each comes from. */
export interface NewSecrets {
  values: Record<string, string>;
  made: string[];
  given: string[];
}

/** @returns the names of secrets that are read, SESSION_SECRET first */
export function secretNames(vars: Record<string, unknown>, tenantsFile: unknown): string[] {
  return checkConfig(vars, tenantsFile).secretNames;
}

/**
 * Makes SESSION_SECRET, and takes providers' secrets from the environment by their names, else from the person.
 * What Cloudflare has is never asked for and never replaced.
 * @throws {ScriptError} secret_missing | config_invalid, both naming all of them, and never a value
 */
export async function collectSecrets(
  vars: Record<string, unknown>,
  tenantsFile: unknown,
  present: readonly string[],
  { env, ask }: SecretSources,
): Promise<NewSecrets> {
  const absent = secretNames(vars, tenantsFile).filter((name) => !present.includes(name));
  const values: Record<string, string> = {};
  for (const name of absent) {
    const value = env[name] || (name === "SESSION_SECRET" ? newKey() : await ask?.(name));
    if (value) values[name] = value;
  }
  const missing = absent.filter((name) => values[name] === undefined);
  if (missing.length > 0) {
    const text = `${missing.join(", ")}: neither at Cloudflare nor in the environment. Set ${missing.length === 1 ? "it" : "them"} for this one command, or run npm run deploy in a terminal, which asks`;
    throw new ScriptError("secret_missing", text);
  }
  const faults = checkConfig({ ...vars, ...values }, tenantsFile).problems.filter(({ name }) => absent.includes(name));
  if (faults.length > 0) {
    const lines = faults.map(({ name, expected }) => `\n  ${name}: ${expected}`).join("");
    throw new ScriptError("config_invalid", `a secret cannot be used, and nothing was sent:${lines}`);
  }
  const made = absent.filter((name) => !env[name] && name === "SESSION_SECRET");
  return { values, made, given: absent.filter((name) => !made.includes(name)) };
}
