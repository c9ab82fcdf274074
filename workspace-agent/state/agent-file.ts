/**
 * `agent.json`: what `enroll` learned from the gateway and `configure` from OpenClaw, each without the other's part. Mode 600:
 * it holds OpenClaw's local password. {@link readConfig} judges it as a whole before the agent runs.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT } from "../commands/command.ts";
import { writePrivateFile } from "./atomic-file.ts";

/** Written by `enroll`. */
export interface Enrolment {
  agentId: string;
  /** The gateway's origin, such as `https://claw.example.com`. */
  url: string;
  tenant: string;
  /** Raw Ed25519 public key of the tenant's gateway, base64url; pinned. */
  gatewayKey: string;
  /** What people type, with a port if need be. */
  publicHost: string;
  /** The gateway's own word that this key is enrolled: lets the agent's calls reach the tenant's object. Not a secret by itself. */
  pass?: string;
  /** The pass of the key that is about to take this one's place. */
  nextPass?: string;
}

/** Written by `configure`. */
export interface OpenClawLink {
  openclawUrl: string;
  /** Absolute path of the workspace folder of OpenClaw's default agent. */
  workspace: string;
  /** The same of its other agents, where they have folders of their own. */
  otherWorkspaces?: string[];
  /** Lower-case header name under which OpenClaw expects the user. */
  userHeader: string;
  /** Loopback address that the agent dials OpenClaw from. */
  localAddress: string;
  /** Who says who OpenClaw's administrators are: the gateway's roles, or whoever owns OpenClaw. */
  admins?: "roles" | "owner";
  /** OpenClaw's `gateway.auth.password`; the variable OPENCLAW_GATEWAY_PASSWORD goes first. */
  openclawPassword?: string;
}

/** @returns the pass of this very key: a replacement that was interrupted leaves two */
export function passOf(file: Pick<Enrolment, "pass" | "nextPass">, publicKey: string): string | null {
  const names = (pass: string) => Buffer.from(pass, "base64url").subarray(2, 34).toString("base64url") === publicKey;
  return [file.pass, file.nextPass].find((pass) => pass !== undefined && names(pass)) ?? null;
}

export type AgentFile = Partial<Enrolment & OpenClawLink>;

/** @returns what is known so far; empty on a first run @throws {CommandError} state_unreadable, state_exposed */
export function readAgentFile(folder: string): AgentFile {
  const path = join(folder, "agent.json");
  let text: string;
  try {
    const mode = statSync(path).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new CommandError("state_exposed", `${path} may be read by others. Run: chmod 600 ${path}`, EXIT.config);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    if (error instanceof CommandError) throw error;
    throw new CommandError("state_unreadable", `${path} cannot be read (${codeOf(error)}).`, EXIT.config);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as AgentFile;
  } catch {
    // The parser's own message quotes the file.
  }
  throw new CommandError("state_unreadable", `${path} is no JSON object.`, EXIT.config);
}

/** Merges `part` into agent.json; a key that is undefined is removed. */
export function updateAgentFile(
  folder: string,
  part: { [name in keyof AgentFile]: AgentFile[name] | undefined },
): void {
  writePrivateFile(
    join(folder, "agent.json"),
    `${JSON.stringify({ ...readAgentFile(folder), ...part }, undefined, 2)}\n`,
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}
