/** What `doctor` checks, in order: each a judgement of the facts. Pure. */
import { AGENT_RULES } from "./agent-rules.ts";
import type { Check } from "./check.ts";
import type { Facts } from "./facts.ts";
import { LOOPBACK_RULES } from "./loopback-rules.ts";
import { OPENCLAW_RULES } from "./openclaw-rules.ts";
import { WORKSPACE_RULES } from "./workspace-rules.ts";

const RULES = { ...AGENT_RULES, ...OPENCLAW_RULES, ...LOOPBACK_RULES, ...WORKSPACE_RULES };

/** @returns every check, also those that could not be made */
export function judge(facts: Facts): Check[] {
  return Object.entries(RULES).map(([id, rule]) => ({ id, title: rule.title, ...rule.judge(facts) }));
}
