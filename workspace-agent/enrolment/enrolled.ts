/** The enrolment that this folder holds, as a caller of the gateway. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type AgentKey, readAgentKey } from "../agent-key.ts";
import { CommandError, type CommandContext, EXIT } from "../commands/command.ts";
import { type Enrolment, passOf, readAgentFile } from "../state/agent-file.ts";
import type { Caller } from "./gateway-call.ts";

export const keyFileOf = (folder: string) => join(folder, "agent.key");

/** @returns the folder's key, or null when there is none @throws {CommandError} key_unreadable */
export function findKey(folder: string): AgentKey | null {
  const file = keyFileOf(folder);
  if (!existsSync(file)) return null;
  try {
    return readAgentKey(file);
  } catch (error) {
    throw new CommandError("key_unreadable", `${file} ${(error as Error).message}.`, EXIT.config);
  }
}

/** @returns null when the folder holds no whole enrolment */
export function findEnrolment(folder: string): (Enrolment & { key: AgentKey }) | null {
  const { agentId, url, tenant, gatewayKey, publicHost, ...file } = readAgentFile(folder);
  const key = findKey(folder);
  if (!agentId || !url || !tenant || !gatewayKey || !publicHost || key === null) return null;
  const { pass, nextPass } = file;
  return {
    agentId,
    url,
    tenant,
    gatewayKey,
    publicHost,
    key,
    ...(pass ? { pass } : {}),
    ...(nextPass ? { nextPass } : {}),
  };
}

/** @throws {CommandError} not_enrolled */
export function requireCaller({ folder, env, nowMs }: CommandContext): Caller & { agent: string } {
  const enrolment = findEnrolment(folder);
  if (enrolment === null) {
    throw new CommandError(
      "not_enrolled",
      `No agent is enrolled in ${folder}. Run: tidegate-agent enroll <gateway address>`,
      EXIT.config,
    );
  }
  const { url, agentId: agent, key } = enrolment;
  return { url: new URL(url), key, agent, pass: passOf(enrolment, key.publicKey), env, nowMs: nowMs() };
}
